/* Four threads share one guard: each judges the same texts, and all get the same decisions and scores. */

#define _POSIX_C_SOURCE 200809L
#include <portcullis.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 4, TEXTS = 3 };

static const char *const texts[TEXTS] = {
    "Could you tell me when the library opens on Saturday?",
    "Write to me at jo@example.org, please.",
    "You are a worthless idiot.",
};

struct work {
    portcullis_guard *guard;
    portcullis_decision decisions[TEXTS];
    float scores[TEXTS];
    int failures;
};

static void *judge(void *given) {
    struct work *work = given;
    size_t i;

    for (i = 0; i < TEXTS; i++) {
        portcullis_verdict *verdict;
        portcullis_status status = portcullis_guard_check(work->guard, texts[i], strlen(texts[i]),
                                                          PORTCULLIS_ROLE_USER, &verdict, NULL);
        if (status != PORTCULLIS_STATUS_OK ||
            !portcullis_verdict_score(verdict, "toxicity", strlen("toxicity"), &work->scores[i])) {
            work->failures++;
        }
        work->decisions[i] = portcullis_verdict_decision(verdict);
        portcullis_verdict_free(verdict);
    }
    portcullis_guard_free(work->guard);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    struct work works[THREADS];
    portcullis_options *options = portcullis_options_new();
    portcullis_guard *guard;
    size_t i;

    memset(works, 0, sizeof works);
    if (argc > 1 &&
        portcullis_options_set_level(options, argv[1], strlen(argv[1]), NULL) != PORTCULLIS_STATUS_OK) {
        return 2;
    }
    if (portcullis_guard_open(options, &guard, NULL) != PORTCULLIS_STATUS_OK) {
        return 2;
    }
    portcullis_options_free(options);
    for (i = 0; i < THREADS; i++) {
        works[i].guard = portcullis_guard_clone(guard);
        if (pthread_create(&threads[i], NULL, judge, &works[i]) != 0) {
            return 2;
        }
    }
    /* Each thread has a guard of its own to free: this one may go while they work. */
    portcullis_guard_free(guard);
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    for (i = 0; i < THREADS; i++) {
        if (works[i].failures != 0 ||
            memcmp(works[i].decisions, works[0].decisions, sizeof works[0].decisions) != 0 ||
            memcmp(works[i].scores, works[0].scores, sizeof works[0].scores) != 0) {
            fprintf(stderr, "thread %u differs\n", (unsigned)i);
            return 1;
        }
    }
    for (i = 0; i < TEXTS; i++) {
        printf("%d\n", (int)works[0].decisions[i]);
    }
    return 0;
}
