/* What the header promises, asked of the library: every failure, every NULL, every accessor. */

#include <portcullis.h>
#include <stdio.h>
#include <string.h>

static int failures = 0;

static void check(int holds, const char *what, int line) {
    if (!holds) {
        fprintf(stderr, "line %d: %s\n", line, what);
        failures++;
    }
}

#define CHECK(condition) check((condition) ? 1 : 0, #condition, __LINE__)
#define USER PORTCULLIS_ROLE_USER

/* Whether the error has this status and says so with these words; frees it. */
static int told(portcullis_error *error, portcullis_status status, const char *words) {
    int holds = error != NULL && portcullis_error_status(error) == status &&
                strstr(portcullis_error_message(error), words) != NULL;
    if (!holds) {
        fprintf(stderr, "told: %s\n", portcullis_error_message(error));
    }
    portcullis_error_free(error);
    return holds;
}

static int is(portcullis_str text, const char *expected) {
    return text.data != NULL && text.len == strlen(expected) && memcmp(text.data, expected, text.len) == 0;
}

static int holds(portcullis_str text, const char *part) {
    size_t i, len = strlen(part);
    for (i = 0; text.data != NULL && i + len <= text.len; i++) {
        if (memcmp(text.data + i, part, len) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Garbage in an out-parameter that a failed call has to replace. */
#define GARBAGE(type) ((type *)(void *)&failures)

static void options(void) {
    portcullis_options *options = portcullis_options_new();
    portcullis_guard *guard = GARBAGE(portcullis_guard);
    portcullis_error *error = GARBAGE(portcullis_error);

    CHECK(portcullis_options_set_threads(options, 2, &error) == PORTCULLIS_STATUS_OK && error == NULL);
    CHECK(portcullis_options_set_threads(options, 0, &error) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(told(error, PORTCULLIS_STATUS_INVALID_ARGUMENT, "at least 1"));
    CHECK(portcullis_options_set_threads(NULL, 2, &error) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(told(error, PORTCULLIS_STATUS_INVALID_ARGUMENT, "`options` is NULL"));
    CHECK(portcullis_options_set_level(options, "sse9", 4, &error) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(told(error, PORTCULLIS_STATUS_INVALID_ARGUMENT, "avx2"));
    CHECK(portcullis_options_set_level(options, "\xff", 1, NULL) == PORTCULLIS_STATUS_INVALID_UTF8);
    CHECK(portcullis_options_set_device(options, "abacus", 6, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_options_set_device(options, "cpu", 3, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_options_set_models_dir(options, NULL, 3, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_options_set_models_dir(options, NULL, 0, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_options_set_models_dir(options, "a\0b", 3, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_options_set_policy_file(options, "/nowhere", 8, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_guard_open(options, &guard, &error) == PORTCULLIS_STATUS_OPEN_FAILED && guard == NULL);
    CHECK(told(error, PORTCULLIS_STATUS_OPEN_FAILED, "/nowhere"));
    CHECK(portcullis_guard_open(options, NULL, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    portcullis_options_free(options);

    options = portcullis_options_new();
    CHECK(portcullis_options_set_device(options, "cuda", 4, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_options_set_device_library(options, "/nowhere/device.so", 18, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_guard_open(options, &guard, NULL) == PORTCULLIS_STATUS_OPEN_FAILED && guard == NULL);
    portcullis_options_free(options);
    options = portcullis_options_new();
    CHECK(portcullis_options_set_model(options, "no-such-model", 13, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_guard_open(options, &guard, NULL) == PORTCULLIS_STATUS_OPEN_FAILED && guard == NULL);
    portcullis_options_free(options);
    options = portcullis_options_new();
    CHECK(portcullis_options_set_calibration_file(options, "/nowhere", 8, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_guard_open(options, &guard, NULL) == PORTCULLIS_STATUS_OPEN_FAILED && guard == NULL);
    portcullis_options_free(options);
    options = portcullis_options_new();
    CHECK(portcullis_options_set_hash_key_file(options, "/nowhere", 8, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_guard_open(options, &guard, NULL) == PORTCULLIS_STATUS_OPEN_FAILED && guard == NULL);
    portcullis_options_free(options);
    portcullis_options_free(NULL);
}

/* A guard with every setting that has no file. */
static portcullis_guard *open_guard(void) {
    portcullis_options *options = portcullis_options_new();
    portcullis_guard *guard = NULL;
    portcullis_error *error = NULL;

    CHECK(portcullis_options_set_level(options, "avx2", 4, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_options_set_threads(options, 2, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_options_set_deadline_ms(options, 3600000, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_options_set_cascade(options, false, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_options_set_attribution(options, true, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_guard_open(options, &guard, &error) == PORTCULLIS_STATUS_OK && error == NULL);
    portcullis_options_free(options);
    return guard;
}

static void texts(const portcullis_guard *guard) {
    static const char secret[] = "correct-horse \xff battery";
    portcullis_verdict *verdict = GARBAGE(portcullis_verdict);
    portcullis_error *error = NULL;

    CHECK(portcullis_guard_check(guard, secret, sizeof secret - 1, USER, &verdict, &error) ==
          PORTCULLIS_STATUS_INVALID_UTF8);
    CHECK(verdict == NULL && strstr(portcullis_error_message(error), "horse") == NULL);
    CHECK(told(error, PORTCULLIS_STATUS_INVALID_UTF8, "byte 14"));
    CHECK(portcullis_guard_check(guard, "a\0b", 3, USER, &verdict, &error) ==
          PORTCULLIS_STATUS_INVALID_REQUEST);
    CHECK(verdict == NULL && told(error, PORTCULLIS_STATUS_INVALID_REQUEST, "NUL"));
    CHECK(portcullis_guard_check(guard, NULL, 0, USER, &verdict, &error) == PORTCULLIS_STATUS_EMPTY_TEXT);
    CHECK(verdict == NULL && told(error, PORTCULLIS_STATUS_EMPTY_TEXT, "empty"));
    CHECK(portcullis_guard_check(guard, "", 0, USER, &verdict, NULL) == PORTCULLIS_STATUS_EMPTY_TEXT);
    CHECK(portcullis_guard_check(guard, NULL, 1, USER, &verdict, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_guard_check(guard, "a", (size_t)-1, USER, &verdict, NULL) ==
          PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_guard_check(guard, "a", 1, 4, &verdict, &error) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(verdict == NULL && told(error, PORTCULLIS_STATUS_INVALID_ARGUMENT, "role 4"));
    CHECK(portcullis_guard_check(guard, "a", 1, -1, &verdict, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_guard_check(NULL, "a", 1, USER, &verdict, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_guard_check(guard, "a", 1, USER, NULL, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
}

static void accessors(const portcullis_guard *guard) {
    /* No NUL at its end, and what stands behind it is not read. */
    static const char text[] = "Write to jo@example.org, please. You are a worthless idiot.";
    const size_t len = strlen("Write to jo@example.org, please.");
    portcullis_verdict *verdict = NULL;
    const portcullis_finding *finding;
    portcullis_edit edit;
    portcullis_span span;
    float score = -1;

    CHECK(portcullis_guard_check(guard, text, len, USER, &verdict, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_verdict_decision(verdict) == PORTCULLIS_DECISION_REWRITE);
    CHECK(portcullis_verdict_coverage(verdict) == PORTCULLIS_COVERAGE_FULL);
    CHECK(is(portcullis_verdict_text(verdict), "Write to [EMAIL], please."));
    CHECK(portcullis_verdict_fault(verdict).data == NULL);
    CHECK(portcullis_verdict_decision_id(verdict).len == 32);
    CHECK(holds(portcullis_verdict_json(verdict), "\"decision\":\"rewrite\""));
    CHECK(portcullis_verdict_finding_count(verdict) == 1);
    finding = portcullis_verdict_finding(verdict, 0);
    CHECK(is(portcullis_finding_rule(finding), "pii.email"));
    CHECK(is(portcullis_finding_category(finding), "pii"));
    CHECK(portcullis_finding_score(finding) == 1.0F);
    CHECK(portcullis_finding_threshold(finding) > 0.0F && portcullis_finding_threshold(finding) <= 1.0F);
    CHECK(portcullis_finding_action(finding) == PORTCULLIS_DECISION_REWRITE);
    CHECK(portcullis_finding_span_count(finding) == 1);
    span = portcullis_finding_span(finding, 0);
    CHECK(span.start == 9 && span.end == 23);
    CHECK(portcullis_finding_span(finding, 1).end == 0);
    CHECK(portcullis_verdict_finding(verdict, 1) == NULL);
    CHECK(portcullis_verdict_edit_count(verdict) == 1);
    CHECK(portcullis_verdict_edit(verdict, 0, &edit));
    CHECK(edit.start == 9 && edit.end == 23 && is(edit.replacement, "[EMAIL]"));
    CHECK(!portcullis_verdict_edit(verdict, 1, &edit) && !portcullis_verdict_edit(verdict, 0, NULL));
    CHECK(portcullis_verdict_score(verdict, "toxicity", 8, &score) && score >= 0.0F && score <= 1.0F);
    score = 7;
    CHECK(!portcullis_verdict_score(verdict, "toxicity", 7, &score) && score == 7.0F);
    CHECK(!portcullis_verdict_score(verdict, NULL, 0, &score) &&
          !portcullis_verdict_score(verdict, "a", 1, NULL));
    portcullis_verdict_free(verdict);

    CHECK(portcullis_guard_check(guard, text + len + 1, sizeof text - len - 2, USER, &verdict, NULL) ==
          PORTCULLIS_STATUS_OK);
    CHECK(portcullis_verdict_decision(verdict) >= PORTCULLIS_DECISION_ESCALATE);
    CHECK(portcullis_verdict_text(verdict).data == NULL && portcullis_verdict_text(verdict).len == 0);
    portcullis_verdict_free(verdict);
}

static void requests(const portcullis_guard *guard) {
    static const char good[] = "{\"id\": 7, \"slice\": \"shop\", \"messages\": [{\"role\": \"user\", \"content\": "
                               "\"How do I descale a kettle?\"}]}";
    static const char late[] = "{\"text\": \"How do I descale a kettle?\", \"deadline_ms\": 0}";
    static const char misspelt[] = "{\"text\": \"a\", \"rol\": \"user\"}";
    portcullis_verdict *verdict = NULL;
    portcullis_error *error = NULL;

    CHECK(portcullis_guard_check_json(guard, good, sizeof good - 1, &verdict, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_verdict_decision(verdict) == PORTCULLIS_DECISION_ALLOW);
    CHECK(holds(portcullis_verdict_json(verdict), "\"id\":7"));
    CHECK(is(portcullis_verdict_text(verdict), "How do I descale a kettle?"));
    portcullis_verdict_free(verdict);
    CHECK(portcullis_guard_check_json(guard, late, sizeof late - 1, &verdict, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_verdict_decision(verdict) >= PORTCULLIS_DECISION_ESCALATE);
    CHECK(portcullis_verdict_coverage(verdict) != PORTCULLIS_COVERAGE_FULL);
    portcullis_verdict_free(verdict);
    CHECK(portcullis_guard_check_json(guard, misspelt, sizeof misspelt - 1, &verdict, &error) ==
          PORTCULLIS_STATUS_INVALID_REQUEST);
    CHECK(verdict == NULL && told(error, PORTCULLIS_STATUS_INVALID_REQUEST, "JSON"));
    CHECK(portcullis_guard_check_json(guard, NULL, 0, &verdict, NULL) == PORTCULLIS_STATUS_INVALID_REQUEST);
    CHECK(portcullis_guard_check_json(guard, "{\"text\":\"\"}", 11, &verdict, NULL) ==
          PORTCULLIS_STATUS_EMPTY_TEXT);
    CHECK(portcullis_guard_check_json(NULL, good, sizeof good - 1, &verdict, NULL) ==
          PORTCULLIS_STATUS_INVALID_ARGUMENT);
}

static void batches(const portcullis_guard *guard) {
    portcullis_str texts[3];
    portcullis_verdict *verdicts[3];
    portcullis_error *error = NULL;
    size_t i;

    texts[0].data = "How do I descale a kettle?";
    texts[1].data = "You are a worthless idiot.";
    texts[2].data = "Call +44 20 7946 0958 before noon.";
    for (i = 0; i < 3; i++) {
        texts[i].len = strlen(texts[i].data);
        verdicts[i] = GARBAGE(portcullis_verdict);
    }
    CHECK(portcullis_guard_check_batch(guard, texts, 3, USER, verdicts, &error) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_verdict_decision(verdicts[0]) == PORTCULLIS_DECISION_ALLOW);
    CHECK(portcullis_verdict_decision(verdicts[1]) >= PORTCULLIS_DECISION_ESCALATE);
    CHECK(portcullis_verdict_decision(verdicts[2]) == PORTCULLIS_DECISION_REWRITE);
    for (i = 0; i < 3; i++) {
        portcullis_verdict_free(verdicts[i]);
        verdicts[i] = GARBAGE(portcullis_verdict);
    }
    texts[1].data = "\xff";
    texts[1].len = 1;
    CHECK(portcullis_guard_check_batch(guard, texts, 3, USER, verdicts, &error) ==
          PORTCULLIS_STATUS_INVALID_UTF8);
    CHECK(told(error, PORTCULLIS_STATUS_INVALID_UTF8, "text 1"));
    CHECK(verdicts[0] == NULL && verdicts[1] == NULL && verdicts[2] == NULL);
    texts[1].data = NULL;
    CHECK(portcullis_guard_check_batch(guard, texts, 3, USER, verdicts, NULL) ==
          PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_guard_check_batch(guard, NULL, 0, USER, NULL, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_guard_check_batch(guard, NULL, 3, USER, verdicts, NULL) ==
          PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_guard_check_batch(guard, texts, 3, USER, NULL, NULL) ==
          PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_guard_check_batch(guard, texts, (size_t)-1 / 8, USER, verdicts, NULL) ==
          PORTCULLIS_STATUS_INVALID_ARGUMENT);
}

static void reports(const portcullis_guard *guard) {
    portcullis_string *json = NULL;

    CHECK(portcullis_guard_policy_digest(guard).len == 64 && portcullis_guard_model_digest(guard).len == 64);
    CHECK(portcullis_guard_inspect(guard, &json, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(holds(portcullis_string_str(json), "\"level\":\"") &&
          holds(portcullis_string_str(json), "\"digests\":\"ok\""));
    portcullis_string_free(json);
    CHECK(portcullis_guard_explain(guard, "You idiot.", 10, USER, &json, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(holds(portcullis_string_str(json), "\"words\":[{"));
    portcullis_string_free(json);
    json = GARBAGE(portcullis_string);
    CHECK(portcullis_guard_explain(guard, "", 0, USER, &json, NULL) ==
          PORTCULLIS_STATUS_EMPTY_TEXT && json == NULL);
    CHECK(portcullis_guard_inspect(NULL, &json, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT && json == NULL);
}

static void vaults(const portcullis_guard *guard) {
    static const char question[] = "Please write to jo@example.org for me.";
    static const char answer[] = "I have written to [EMAIL_1].";
    portcullis_vault *vault = portcullis_vault_new();
    portcullis_verdict *verdict = NULL;
    portcullis_string *restored = NULL;

    CHECK(portcullis_guard_redact(guard, question, sizeof question - 1, USER, vault, &verdict, NULL) ==
          PORTCULLIS_STATUS_OK);
    CHECK(is(portcullis_verdict_text(verdict), "Please write to [EMAIL_1] for me."));
    CHECK(portcullis_vault_len(vault) == 1);
    CHECK(portcullis_vault_restore(vault, answer, sizeof answer - 1, &restored, NULL) ==
          PORTCULLIS_STATUS_OK);
    CHECK(is(portcullis_string_str(restored), "I have written to jo@example.org."));
    portcullis_string_free(restored);
    portcullis_verdict_free(verdict);
    CHECK(portcullis_vault_restore(vault, "\xff", 1, &restored, NULL) ==
          PORTCULLIS_STATUS_INVALID_UTF8 && restored == NULL);
    CHECK(portcullis_guard_redact(guard, question, sizeof question - 1, USER, NULL, &verdict, NULL) ==
          PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(verdict == NULL && portcullis_vault_len(NULL) == 0);
    portcullis_vault_free(vault);
    portcullis_vault_free(NULL);
}

static void streams(const portcullis_guard *guard) {
    static const char answer[] = "Ask Jo at jo@example.org, or come by at the office before noon. "
                                 "You are a worthless idiot, nobody likes you. More.";
    static const char first[] = "Ask Jo at [EMAIL], or come by at the office before noon. ";
    portcullis_stream *stream = NULL;
    portcullis_string *piece = NULL;
    portcullis_error *error = NULL;
    char shown[256];
    size_t count = 0, pieces = 0, i;

    CHECK(portcullis_stream_open(guard, PORTCULLIS_ROLE_ASSISTANT, &stream, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_stream_keep_pieces(stream, NULL) == PORTCULLIS_STATUS_OK);
    for (i = 0; i < sizeof answer - 1 && !portcullis_stream_is_closed(stream); i++) {
        CHECK(portcullis_stream_push(stream, answer + i, 1, &error) == PORTCULLIS_STATUS_OK);
    }
    CHECK(portcullis_stream_finish(stream, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_stream_finish(stream, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_stream_available(stream) > 20);
    /* A byte at a time gives the same as all at once. */
    while (count < sizeof shown - 1 && portcullis_stream_read(stream, shown + count, 1) == 1) {
        count++;
    }
    shown[count] = '\0';
    CHECK(strncmp(shown, first, sizeof first - 1) == 0);
    CHECK(strstr(shown, "idiot") == NULL && strstr(shown, "jo@") == NULL);
    CHECK(portcullis_stream_available(stream) == 0 &&
          portcullis_stream_read(stream, shown, sizeof shown) == 0);
    CHECK(portcullis_stream_decision(stream) >= PORTCULLIS_DECISION_ESCALATE);
    CHECK(portcullis_stream_is_closed(stream));
    CHECK(portcullis_stream_push(stream, "more", 4, &error) == PORTCULLIS_STATUS_CLOSED);
    CHECK(told(error, PORTCULLIS_STATUS_CLOSED, "closed"));
    while (portcullis_stream_take_piece(stream, &piece, NULL) == PORTCULLIS_STATUS_OK && piece != NULL) {
        CHECK(holds(portcullis_string_str(piece), "\"decision\":\""));
        portcullis_string_free(piece);
        pieces++;
    }
    CHECK(pieces >= 2);
    portcullis_stream_free(stream);

    /* Bytes that are not text are a fault, and never shown. */
    CHECK(portcullis_stream_open(guard, PORTCULLIS_ROLE_ASSISTANT, &stream, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_stream_push(stream, "fine \xff fine", 11, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_stream_is_closed(stream));
    CHECK(portcullis_stream_decision(stream) >= PORTCULLIS_DECISION_ESCALATE);
    portcullis_stream_free(stream);

    /* One that is given up half way leaves nothing behind. */
    CHECK(portcullis_stream_open(guard, PORTCULLIS_ROLE_USER, &stream, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_stream_push(stream, "half a", 6, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_stream_push(stream, NULL, 0, NULL) == PORTCULLIS_STATUS_OK);
    CHECK(portcullis_stream_push(stream, NULL, 1, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_stream_read(stream, NULL, 0) == 0 && portcullis_stream_read(stream, NULL, 9) == 0);
    CHECK(portcullis_stream_take_piece(stream, &piece, NULL) == PORTCULLIS_STATUS_OK && piece == NULL);
    portcullis_stream_free(stream);
    CHECK(portcullis_stream_open(guard, 9, &stream, NULL) ==
          PORTCULLIS_STATUS_INVALID_ARGUMENT && stream == NULL);
    CHECK(portcullis_stream_open(NULL, 1, &stream, NULL) ==
          PORTCULLIS_STATUS_INVALID_ARGUMENT && stream == NULL);
}

/* NULL where an object belongs gives the strictest answer. */
static void nulls(void) {
    char byte = 'x';

    CHECK(portcullis_verdict_decision(NULL) == PORTCULLIS_DECISION_VETO);
    CHECK(portcullis_verdict_coverage(NULL) == PORTCULLIS_COVERAGE_NONE);
    CHECK(portcullis_verdict_text(NULL).data == NULL && portcullis_verdict_fault(NULL).data == NULL);
    CHECK(portcullis_verdict_json(NULL).data == NULL && portcullis_verdict_decision_id(NULL).data == NULL);
    CHECK(portcullis_verdict_finding_count(NULL) == 0 && portcullis_verdict_finding(NULL, 0) == NULL);
    CHECK(portcullis_verdict_edit_count(NULL) == 0 && !portcullis_verdict_edit(NULL, 0, NULL));
    CHECK(!portcullis_verdict_score(NULL, "a", 1, NULL));
    CHECK(portcullis_finding_rule(NULL).data == NULL && portcullis_finding_category(NULL).data == NULL);
    CHECK(portcullis_finding_score(NULL) == 1.0F && portcullis_finding_threshold(NULL) == 0.0F);
    CHECK(portcullis_finding_action(NULL) == PORTCULLIS_DECISION_VETO);
    CHECK(portcullis_finding_span_count(NULL) == 0 && portcullis_finding_span(NULL, 0).end == 0);
    CHECK(portcullis_stream_is_closed(NULL) && portcullis_stream_decision(NULL) == PORTCULLIS_DECISION_VETO);
    CHECK(portcullis_stream_push(NULL, "a", 1, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_stream_finish(NULL, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_stream_keep_pieces(NULL, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_stream_take_piece(NULL, NULL, NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(portcullis_stream_read(NULL, &byte, 1) == 0 && byte == 'x' &&
          portcullis_stream_available(NULL) == 0);
    CHECK(portcullis_guard_clone(NULL) == NULL && portcullis_guard_policy_digest(NULL).data == NULL);
    CHECK(portcullis_guard_model_digest(NULL).data == NULL && portcullis_string_str(NULL).data == NULL);
    CHECK(portcullis_error_status(NULL) == PORTCULLIS_STATUS_INVALID_ARGUMENT);
    CHECK(strcmp(portcullis_error_message(NULL), "") == 0);
    portcullis_guard_free(NULL);
    portcullis_verdict_free(NULL);
    portcullis_stream_free(NULL);
    portcullis_string_free(NULL);
    portcullis_error_free(NULL);
}

int main(void) {
    portcullis_guard *guard, *clone;

    CHECK(portcullis_abi_version() == PORTCULLIS_ABI_VERSION);
    CHECK(strchr(portcullis_version(), '.') != NULL);
    nulls();
    options();
    guard = open_guard();
    /* A clone outlives what it was made from. */
    clone = portcullis_guard_clone(guard);
    portcullis_guard_free(guard);
    texts(clone);
    accessors(clone);
    requests(clone);
    batches(clone);
    reports(clone);
    vaults(clone);
    streams(clone);
    portcullis_guard_free(clone);
    return failures == 0 ? 0 : 1;
}
