/*
 * Portcullis for C: a text in, a verdict out, on the device. docs/c.md has a quick start.
 *
 * Written by `cargo xtask header` from src/ffi; not to be edited.
 *
 * Objects. A function that answers with an object, or writes it to its out-parameter, gives it to the caller, who frees it
 * once with the function of the object's name and `_free`. What a function is said to own lives as long as its owner. To use an
 * object after it was freed, or to free it twice, is undefined, as with free().
 *
 * Out-parameters. They need hold nothing before the call, and must point to different objects. An out-parameter for an object is
 * NULL after a call that failed.
 *
 * Failures. A function that can fail answers a portcullis_status. Its last parameter is NULL, or says where the reason goes: an
 * error object that the caller frees, or NULL where nothing failed. No text was judged by a call that failed: do not release it.
 *
 * NULL. No function needs a pointer to be other than NULL to be safe: it answers PORTCULLIS_STATUS_INVALID_ARGUMENT or, where it
 * answers with a value, the strictest one: a veto, nothing to show, a closed stream. Other pointers have to be valid.
 *
 * Text. A text is a pointer with a length in bytes, read during the call; no NUL at its end is read, and none is allowed in it. Its
 * pointer may be NULL where the length is 0. Offsets are in bytes of the text as it was.
 *
 * Threads. A guard may be used from many threads at once; so may verdicts, errors and strings, which do not change. Options,
 * streams and vaults are for one thread at a time. Nothing is bound to the thread that made it.
 *
 * Panics and signals. No panic of the library reaches the caller: it is PORTCULLIS_STATUS_PANIC. Only lack of memory or of stack
 * ends the process. The library prints nothing, takes no setting from the environment, opens no network connection and
 * installs no signal handler. It must not be unloaded while a guard is open.
 */


#ifndef PORTCULLIS_H
#define PORTCULLIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The version of the interface that this header describes, and the number in the shared library's name. It is raised when a
 * program that was compiled against an older header would no longer work.
 */
#define PORTCULLIS_ABI_VERSION 0

/**
 * What became of a call. Later versions may add values: take any that is not `PORTCULLIS_STATUS_OK` for a failure.
 */
typedef enum {
  /**
   * Done.
   */
  PORTCULLIS_STATUS_OK = 0,
  /**
   * A pointer that may not be NULL is, or a number or word has no meaning.
   */
  PORTCULLIS_STATUS_INVALID_ARGUMENT = 1,
  /**
   * Text that is not UTF-8.
   */
  PORTCULLIS_STATUS_INVALID_UTF8 = 2,
  /**
   * A text without a character.
   */
  PORTCULLIS_STATUS_EMPTY_TEXT = 3,
  /**
   * A text that holds NUL, or a request that is no JSON object of the expected form.
   */
  PORTCULLIS_STATUS_INVALID_REQUEST = 4,
  /**
   * The model, the policy or the state directory cannot be opened.
   */
  PORTCULLIS_STATUS_OPEN_FAILED = 5,
  /**
   * The model failed where there is no verdict to say so.
   */
  PORTCULLIS_STATUS_JUDGE_FAILED = 6,
  /**
   * The stream has ended and takes nothing more.
   */
  PORTCULLIS_STATUS_CLOSED = 7,
  /**
   * A defect of this library, stopped before it reached the caller. What was called for was not done.
   */
  PORTCULLIS_STATUS_PANIC = 8,
} portcullis_status;

/**
 * What is to be done with a text, from the mildest to the strongest.
 */
typedef enum {
  /**
   * Release the text as it is.
   */
  PORTCULLIS_DECISION_ALLOW = 0,
  /**
   * Release the text with the edits applied, as `portcullis_verdict_text` has it.
   */
  PORTCULLIS_DECISION_REWRITE = 1,
  /**
   * Hold the text for a person.
   */
  PORTCULLIS_DECISION_ESCALATE = 2,
  /**
   * Do not release the text.
   */
  PORTCULLIS_DECISION_VETO = 3,
} portcullis_decision;

/**
 * How much of a text was judged.
 */
typedef enum {
  /**
   * None of it.
   */
  PORTCULLIS_COVERAGE_NONE = 0,
  /**
   * Part of it, or by some rails only.
   */
  PORTCULLIS_COVERAGE_PARTIAL = 1,
  /**
   * All of it, by every rail.
   */
  PORTCULLIS_COVERAGE_FULL = 2,
} portcullis_coverage;

/**
 * Who produced a text; a policy's rules may differ by role.
 */
typedef enum {
  /**
   * The person: an input to the assistant.
   */
  PORTCULLIS_ROLE_USER = 0,
  /**
   * The assistant: an output.
   */
  PORTCULLIS_ROLE_ASSISTANT = 1,
  /**
   * Retrieved or tool text, which may carry instructions of its own.
   */
  PORTCULLIS_ROLE_TOOL = 2,
  /**
   * The system prompt.
   */
  PORTCULLIS_ROLE_SYSTEM = 3,
} portcullis_role;

/**
 * Why a call failed. It is the caller's, who frees it with `portcullis_error_free`. May be read from many threads.
 */
typedef struct portcullis_error portcullis_error;

/**
 * A rule that applied to the text. It is a part of its verdict, and lives as long.
 */
typedef struct portcullis_finding portcullis_finding;

/**
 * A guard: a model and a policy, opened once. It does not change, and may be used from many threads at once.
 *
 * A policy that is put in force later is taken up by a guard that is opened then.
 */
typedef struct portcullis_guard portcullis_guard;

/**
 * Settings of a guard to be. Without any, it is the model and the policy inside the library on all cores.
 *
 * The caller frees them with `portcullis_options_free`, also after a guard was opened with them. They are for one thread at a
 * time.
 */
typedef struct portcullis_options portcullis_options;

/**
 * Text that the caller owns and frees with `portcullis_string_free`. May be read from many threads.
 */
typedef struct portcullis_string portcullis_string;

/**
 * A text that is judged while it comes, and released piece by piece. The caller frees it with `portcullis_stream_free`; it is for one
 * thread at a time, and keeps what it needs of its guard.
 */
typedef struct portcullis_stream portcullis_stream;

/**
 * What was redacted in one conversation, to be restored in the model's answer. It is in this process's memory alone and overwritten
 * when it is freed. The caller frees it with `portcullis_vault_free`; it is for one thread at a time.
 */
typedef struct portcullis_vault portcullis_vault;

/**
 * A verdict on one text. It is the caller's, who frees it with `portcullis_verdict_free`, and may be read from many threads. What its
 * functions point to lives as long as the verdict.
 */
typedef struct portcullis_verdict portcullis_verdict;

/**
 * UTF-8 text that something else owns: `len` bytes from `data` on, without a NUL at the end. Where there is none, `data` is NULL and
 * `len` 0.
 */
typedef struct {
  /**
   * The first byte.
   */
  const char *data;
  /**
   * How many bytes.
   */
  size_t len;
} portcullis_str;

/**
 * One replacement in the caller's text. Edits are sorted and do not overlap; offsets are in bytes of the text as it was.
 */
typedef struct {
  /**
   * The first byte replaced.
   */
  size_t start;
  /**
   * One past the last byte replaced.
   */
  size_t end;
  /**
   * What takes its place; it lives as long as the verdict.
   */
  portcullis_str replacement;
} portcullis_edit;

/**
 * A range of bytes of the caller's text.
 */
typedef struct {
  /**
   * The first byte.
   */
  size_t start;
  /**
   * One past the last byte.
   */
  size_t end;
} portcullis_span;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the interface that the library has, to be compared with `PORTCULLIS_ABI_VERSION`. From any thread.
 */
uint32_t portcullis_abi_version(void);

/**
 * The version of the library, such as `0.1.0`; ends with NUL and is never freed. From any thread.
 */
const char *portcullis_version(void);

/**
 * The status that the failed call answered; `PORTCULLIS_STATUS_INVALID_ARGUMENT` for NULL.
 */
portcullis_status portcullis_error_status(const portcullis_error *error);

/**
 * What went wrong, ended by NUL; never a part of the judged text. It lives as long as `error`; empty for NULL.
 */
const char *portcullis_error_message(const portcullis_error *error);

/**
 * Frees an error; NULL is passed over.
 */
void portcullis_error_free(portcullis_error *error);

/**
 * The text, which lives as long as `string`; none for NULL.
 */
portcullis_str portcullis_string_str(const portcullis_string *string);

/**
 * Frees a string; NULL is passed over.
 */
void portcullis_string_free(portcullis_string *string);

/**
 * Settings of which each has its default; NULL only where the library has a defect.
 */
portcullis_options *portcullis_options_new(void);

/**
 * Frees settings; NULL is passed over. Guards that were opened with them stay as they are.
 */
void portcullis_options_free(portcullis_options *options);

/**
 * Maps the default model of the directory, which holds an `index.toml`, in place of the one inside the library. `path` is `len` bytes,
 * read during the call.
 */
portcullis_status portcullis_options_set_models_dir(portcullis_options *options,
                                                    const char *path,
                                                    size_t len,
                                                    portcullis_error **error);

/**
 * Opens the model of this name, such as `portcullis-small`, of the directory of models. `name` is `len` bytes of UTF-8, read during the
 * call.
 */
portcullis_status portcullis_options_set_model(portcullis_options *options,
                                               const char *name,
                                               size_t len,
                                               portcullis_error **error);

/**
 * Reads the calibration from the file, as `portcullis calibrate` writes it, in place of the model's own. `path` is `len` bytes, read
 * during the call; the file is read when a guard is opened.
 */
portcullis_status portcullis_options_set_calibration_file(portcullis_options *options,
                                                          const char *path,
                                                          size_t len,
                                                          portcullis_error **error);

/**
 * Reads the policy from the TOML file, or from the `policy.toml` of the folder. `path` is `len` bytes, read during the call; the
 * policy is read when a guard is opened.
 */
portcullis_status portcullis_options_set_policy_file(portcullis_options *options,
                                                     const char *path,
                                                     size_t len,
                                                     portcullis_error **error);

/**
 * Uses the state directory: its settings, the policy in force there, its trusted keys, and its decision log. `path` is `len` bytes, read
 * during the call.
 */
portcullis_status portcullis_options_set_state_dir(portcullis_options *options,
                                                   const char *path,
                                                   size_t len,
                                                   portcullis_error **error);

/**
 * Reads the key for rules with the modes `hash` and `synthetic` from the file, of at least 16 bytes. `path` is `len` bytes, read during
 * the call; the key is read when a guard is opened.
 */
portcullis_status portcullis_options_set_hash_key_file(portcullis_options *options,
                                                       const char *path,
                                                       size_t len,
                                                       portcullis_error **error);

/**
 * Lowers the instruction level: `scalar`, `avx2`, `avx-vnni`, `avx512-vnni`, `amx-int8`, `neon`, `neon-dotprod` or `neon-i8mm`. One above
 * what the CPU has is lowered to that. Verdicts do not depend on it. `name` is `len` bytes, read during the call.
 */
portcullis_status portcullis_options_set_level(portcullis_options *options,
                                               const char *name,
                                               size_t len,
                                               portcullis_error **error);

/**
 * Where the encoder runs: `auto`, `cpu`, `cuda`, `metal` or `cpu-float`. `name` is `len` bytes, read during the call. A device that is not
 * there is an error when a guard is opened.
 */
portcullis_status portcullis_options_set_device(portcullis_options *options,
                                                const char *name,
                                                size_t len,
                                                portcullis_error **error);

/**
 * The library that runs the encoder on a device; a library for C that was built without the feature `cuda` opens none. It becomes part of
 * the process. `path` is `len` bytes, read during the call; the library is opened when a guard is.
 */
portcullis_status portcullis_options_set_device_library(portcullis_options *options,
                                                        const char *path,
                                                        size_t len,
                                                        portcullis_error **error);

/**
 * The most threads that a batch may use, at least 1; by default one a core. Verdicts do not depend on it.
 */
portcullis_status portcullis_options_set_threads(portcullis_options *options,
                                                 size_t threads,
                                                 portcullis_error **error);

/**
 * The time allowed for a text whose request names none, in milliseconds. A text that it does not suffice for is judged by the policy's
 * `on_deadline`, and never released for it.
 */
portcullis_status portcullis_options_set_deadline_ms(portcullis_options *options,
                                                     uint64_t milliseconds,
                                                     portcullis_error **error);

/**
 * Whether a text may leave at an exit of the model that finds it harmless by a wide margin, which is faster on everyday texts; by
 * default not.
 */
portcullis_status portcullis_options_set_cascade(portcullis_options *options,
                                                 bool cascade,
                                                 portcullis_error **error);

/**
 * Whether findings of classifiers name the words that drove the score, which costs time on texts with such findings; by default they
 * do. Decisions do not depend on it.
 */
portcullis_status portcullis_options_set_attribution(portcullis_options *options,
                                                     bool attribution,
                                                     portcullis_error **error);

/**
 * Opens a guard; `options` may be NULL for the defaults.
 *
 * `*guard` is the caller's, who frees it with `portcullis_guard_free`. On a failure it is NULL: a part that cannot be opened is
 * never replaced by another.
 */
portcullis_status portcullis_guard_open(const portcullis_options *options,
                                        portcullis_guard **guard,
                                        portcullis_error **error);

/**
 * The same guard once more, at no cost, to be freed on its own with `portcullis_guard_free`; NULL for NULL.
 */
portcullis_guard *portcullis_guard_clone(const portcullis_guard *guard);

/**
 * Frees a guard; NULL is passed over. Its clones, verdicts and streams stay usable. No other call may be using it.
 */
void portcullis_guard_free(portcullis_guard *guard);

/**
 * The BLAKE3 digest of the policy in hexadecimal, which lives as long as `guard`; none for NULL.
 */
portcullis_str portcullis_guard_policy_digest(const portcullis_guard *guard);

/**
 * The BLAKE3 digest of the model in hexadecimal, which lives as long as `guard`; none for NULL.
 */
portcullis_str portcullis_guard_model_digest(const portcullis_guard *guard);

/**
 * Reports what the guard is made of, as `portcullis inspect --json` does, hashing the model's files on the way.
 *
 * `*json` is the caller's, who frees it with `portcullis_string_free`; NULL on a failure.
 */
portcullis_status portcullis_guard_inspect(const portcullis_guard *guard,
                                           portcullis_string **json,
                                           portcullis_error **error);

/**
 * Judges one text of `len` bytes of UTF-8 in the role `role`, a `portcullis_role`. From any thread.
 *
 * `text` is read during the call and need not end with NUL. `*verdict` is the caller's, who frees it with
 * `portcullis_verdict_free`; NULL on a failure, when the text was not judged and must not be released. A text that was
 * taken always gets a verdict: what goes wrong then is part of it, and never an allow.
 */
portcullis_status portcullis_guard_check(const portcullis_guard *guard,
                                         const char *text,
                                         size_t len,
                                         int32_t role,
                                         portcullis_verdict **verdict,
                                         portcullis_error **error);

/**
 * Judges one request: the JSON object of one line of `portcullis pipe`, with a text or messages, sources, a tool call, a slice, a
 * deadline. From any thread.
 *
 * `request` is `len` bytes of UTF-8, read during the call. `*verdict` as for `portcullis_guard_check`.
 */
portcullis_status portcullis_guard_check_json(const portcullis_guard *guard,
                                              const char *request,
                                              size_t len,
                                              portcullis_verdict **verdict,
                                              portcullis_error **error);

/**
 * Judges `count` texts together over the guard's threads, each as `portcullis_guard_check` would. From any thread.
 *
 * `texts` and `verdicts` have `count` elements. Each verdict is the caller's, who frees it with `portcullis_verdict_free`. On
 * a failure, such as one text that is not UTF-8, none was judged and all are NULL; the message counts the texts from 0.
 */
portcullis_status portcullis_guard_check_batch(const portcullis_guard *guard,
                                               const portcullis_str *texts,
                                               size_t count,
                                               int32_t role,
                                               portcullis_verdict **verdicts,
                                               portcullis_error **error);

/**
 * Judges one text and leaves numbered placeholders where it redacts, whose originals the vault keeps. The vault is for one thread at a
 * time, the guard for any.
 *
 * `text` and `*verdict` as for `portcullis_guard_check`.
 */
portcullis_status portcullis_guard_redact(const portcullis_guard *guard,
                                          const char *text,
                                          size_t len,
                                          int32_t role,
                                          portcullis_vault *vault,
                                          portcullis_verdict **verdict,
                                          portcullis_error **error);

/**
 * Judges one text and says what drove the verdict, as `portcullis explain --json` does. From any thread. It costs up to 64 times what
 * judging does.
 *
 * `text` as for `portcullis_guard_check`. `*json` is the caller's, who frees it with `portcullis_string_free`; NULL on a
 * failure.
 */
portcullis_status portcullis_guard_explain(const portcullis_guard *guard,
                                           const char *text,
                                           size_t len,
                                           int32_t role,
                                           portcullis_string **json,
                                           portcullis_error **error);

/**
 * The strongest action that any finding, limit or fault earned; a veto for NULL.
 */
portcullis_decision portcullis_verdict_decision(const portcullis_verdict *verdict);

/**
 * What may be released: the text with the edits applied. `data` is NULL where the text is held or vetoed, and for NULL.
 */
portcullis_str portcullis_verdict_text(const portcullis_verdict *verdict);

/**
 * How much of the text was judged; none for NULL.
 */
portcullis_coverage portcullis_verdict_coverage(const portcullis_verdict *verdict);

/**
 * What went wrong while the text was judged; none where nothing did, and for NULL.
 */
portcullis_str portcullis_verdict_fault(const portcullis_verdict *verdict);

/**
 * The name of the decision in records, 32 hexadecimal digits; none for NULL.
 */
portcullis_str portcullis_verdict_decision_id(const portcullis_verdict *verdict);

/**
 * The whole verdict as JSON: one line of `portcullis pipe`, without the line's end. None for NULL.
 */
portcullis_str portcullis_verdict_json(const portcullis_verdict *verdict);

/**
 * The calibrated score in 0..=1 of the head `name`, such as `toxicity`, which is `len` bytes read during the call.
 *
 * Answers whether there is one, and leaves `*score` as it is where there is none: for an unknown head, where the classifiers did
 * not read all of the text, and where `verdict`, `name` or `score` is NULL.
 */
bool portcullis_verdict_score(const portcullis_verdict *verdict,
                              const char *name,
                              size_t len,
                              float *score);

/**
 * How many rules applied; 0 for NULL.
 */
size_t portcullis_verdict_finding_count(const portcullis_verdict *verdict);

/**
 * The finding with the number `index`, from 0; NULL where there is none, and for NULL. It is the verdict's and lives as long.
 */
const portcullis_finding *portcullis_verdict_finding(const portcullis_verdict *verdict,
                                                     size_t index);

/**
 * How many edits make the text that may be released; 0 unless the decision is to rewrite, and for NULL.
 */
size_t portcullis_verdict_edit_count(const portcullis_verdict *verdict);

/**
 * Writes the edit with the number `index`, from 0, to `*edit`. Answers whether there is one, and leaves `*edit` as it is where
 * there is none, and where either pointer is NULL.
 */
bool portcullis_verdict_edit(const portcullis_verdict *verdict,
                             size_t index,
                             portcullis_edit *edit);

/**
 * Frees a verdict; NULL is passed over. What was got from it may not be used any more.
 */
void portcullis_verdict_free(portcullis_verdict *verdict);

/**
 * The rule, such as `pii.email`; none for NULL.
 */
portcullis_str portcullis_finding_rule(const portcullis_finding *finding);

/**
 * The kind of harm, such as `pii`; none for NULL.
 */
portcullis_str portcullis_finding_category(const portcullis_finding *finding);

/**
 * The calibrated score in 0..=1; 1 for NULL.
 */
float portcullis_finding_score(const portcullis_finding *finding);

/**
 * The score from which the rule applies; 0 for NULL.
 */
float portcullis_finding_threshold(const portcullis_finding *finding);

/**
 * What the rule asks for; a veto for NULL.
 */
portcullis_decision portcullis_finding_action(const portcullis_finding *finding);

/**
 * How many ranges of the text the finding names; 0 where the whole text is meant, and for NULL.
 */
size_t portcullis_finding_span_count(const portcullis_finding *finding);

/**
 * The range with the number `index`, from 0; empty, at 0, where there is none, and for NULL.
 */
portcullis_span portcullis_finding_span(const portcullis_finding *finding, size_t index);

/**
 * Begins a stream of text in the role `role`, a `portcullis_role`.
 *
 * `*stream` is the caller's, who frees it with `portcullis_stream_free`; NULL on a failure.
 */
portcullis_status portcullis_stream_open(const portcullis_guard *guard,
                                         int32_t role,
                                         portcullis_stream **stream,
                                         portcullis_error **error);

/**
 * Has the stream keep, from now on, what was decided about each piece, for `portcullis_stream_take_piece`. It keeps every piece until
 * that is called.
 */
portcullis_status portcullis_stream_keep_pieces(portcullis_stream *stream,
                                                portcullis_error **error);

/**
 * Takes the next `len` bytes of the text, read during the call and cut anywhere, and judges what they settle.
 *
 * `portcullis_stream_read` then gives what may be shown. Bytes that are not UTF-8, and NUL, end the stream by the policy's
 * `on_fault`, as a veto does; the call that ends it answers `PORTCULLIS_STATUS_OK`, later ones `PORTCULLIS_STATUS_CLOSED`, without
 * taking anything.
 */
portcullis_status portcullis_stream_push(portcullis_stream *stream,
                                         const char *bytes,
                                         size_t len,
                                         portcullis_error **error);

/**
 * Ends the text and judges what was held for what might follow. Further calls do nothing. `portcullis_stream_read` gives the rest.
 */
portcullis_status portcullis_stream_finish(portcullis_stream *stream,
                                           portcullis_error **error);

/**
 * Moves up to `capacity` bytes that may be shown to `buffer`, and answers how many: 0 where there are none for now, and for NULL.
 *
 * A character may be cut in two by the end of the buffer.
 */
size_t portcullis_stream_read(portcullis_stream *stream,
                              char *buffer,
                              size_t capacity);

/**
 * How many bytes `portcullis_stream_read` could give now; 0 for NULL.
 */
size_t portcullis_stream_available(const portcullis_stream *stream);

/**
 * Takes what was decided about the oldest piece not taken yet, as JSON. `*json` is the caller's, who frees it with
 * `portcullis_string_free`; NULL where there is none, and on a failure.
 */
portcullis_status portcullis_stream_take_piece(portcullis_stream *stream,
                                               portcullis_string **json,
                                               portcullis_error **error);

/**
 * Whether the stream takes nothing more: after an escalation, a veto or a fault, or when it was finished. True for NULL.
 */
bool portcullis_stream_is_closed(const portcullis_stream *stream);

/**
 * The strongest decision so far; a veto for NULL.
 */
portcullis_decision portcullis_stream_decision(const portcullis_stream *stream);

/**
 * Frees a stream, finished or not; NULL is passed over.
 */
void portcullis_stream_free(portcullis_stream *stream);

/**
 * An empty vault; NULL only where the library has a defect.
 */
portcullis_vault *portcullis_vault_new(void);

/**
 * How many originals are kept; 0 for NULL.
 */
size_t portcullis_vault_len(const portcullis_vault *vault);

/**
 * Restores a text of `len` bytes of UTF-8, read during the call: each placeholder of the vault is replaced by its original.
 *
 * `*restored` is the caller's, to be kept safe and freed with `portcullis_string_free`, which does not overwrite it; NULL on a
 * failure.
 */
portcullis_status portcullis_vault_restore(const portcullis_vault *vault,
                                           const char *text,
                                           size_t len,
                                           portcullis_string **restored,
                                           portcullis_error **error);

/**
 * Overwrites and frees a vault; NULL is passed over.
 */
void portcullis_vault_free(portcullis_vault *vault);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PORTCULLIS_H */
