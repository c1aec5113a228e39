/* Judges each line of standard input as a person's text: one line of JSON out for each. */

#include <portcullis.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 65536 };

static int failed(const char *what, portcullis_error *error) {
    fprintf(stderr, "%s: %s\n", what, portcullis_error_message(error));
    portcullis_error_free(error);
    return 1;
}

int main(int argc, char **argv) {
    static char line[LONGEST];
    portcullis_options *options = portcullis_options_new();
    portcullis_guard *guard = NULL;
    portcullis_error *error = NULL;
    int status = 0;

    /* An instruction level, where one is given: verdicts do not depend on it. */
    if (argc > 1 &&
        portcullis_options_set_level(options, argv[1], strlen(argv[1]), &error) != PORTCULLIS_STATUS_OK) {
        portcullis_options_free(options);
        return failed("level", error);
    }
    if (portcullis_guard_open(options, &guard, &error) != PORTCULLIS_STATUS_OK) {
        portcullis_options_free(options);
        return failed("open", error);
    }
    portcullis_options_free(options);

    while (fgets(line, sizeof line, stdin) != NULL) {
        size_t len = strcspn(line, "\n");
        portcullis_verdict *verdict = NULL;
        portcullis_str json;

        if (portcullis_guard_check(guard, line, len, PORTCULLIS_ROLE_USER, &verdict, &error) !=
            PORTCULLIS_STATUS_OK) {
            status = failed("check", error);
            continue;
        }
        json = portcullis_verdict_json(verdict);
        printf("%.*s\n", (int)json.len, json.data);
        portcullis_verdict_free(verdict);
    }
    portcullis_guard_free(guard);
    return status;
}
