/*
 * Talking to adb. Its messages are read for reasons only; what happened is decided by states,
 * exit codes and the mark.
 */
#include "device/adb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device/process.h"

static const char mark[] = "octavo-exit:";
static const double short_seconds = 30, copy_seconds = 1800, settle_seconds = 5;

enum { MAX_DEVICES = 32 };

/* A line of `adb devices -l`. */
typedef struct entry {
    char serial[128], state[64], model[64];
} entry;

static oct_status run(const oct_adb *adb, const char *const *argv, double seconds,
    bool (*alive)(void *), oct_process_result *result, oct_error *err)
{
    oct_process_watch watch = {
        .seconds = seconds, .cancelled = adb->cancelled, .alive = alive, .user = adb->user
    };
    oct_status status = oct_process_run(argv, &watch, result, err);
    if (status == OCT_E_SYSTEM)
        return oct_fail(err, OCT_E_SYSTEM,
            "the program adb cannot be started; install it (Debian: apt-get install adb)");
    OCT_TRY(status);
    return result->cancelled ? oct_fail(err, OCT_E_SYSTEM, "interrupted") : OCT_OK;
}

/* The last line of a text that says something, cut to fit. */
static const char *last_line(const char *text, char *line, size_t size)
{
    size_t end = strlen(text);
    while (end > 0 && strchr("\r\n ", text[end - 1]) != NULL)
        end--;
    size_t begin = end;
    while (begin > 0 && text[begin - 1] != '\n')
        begin--;
    snprintf(line, size, "%.*s", (int)(end - begin), text + begin);
    return line;
}

/* Finding. */

/* "0123 device usb:1-1 product:x model:Pixel_7 device:y transport_id:1" */
static bool read_entry(const char *line, size_t length, entry *e)
{
    char text[512];
    snprintf(
        text, sizeof text, "%.*s", (int)(length < sizeof text ? length : sizeof text - 1), line);
    size_t serial = strcspn(text, " \t");
    const char *rest = text + serial + strspn(text + serial, " \t");
    if (serial == 0 || *rest == 0 || text[0] == '*' || strncmp(text, "List of", 7) == 0)
        return false;
    const char *model = strstr(rest, " model:");
    size_t state = strncmp(rest, "no permissions", 14) == 0 ? 14 : strcspn(rest, " ");
    snprintf(e->serial, sizeof e->serial, "%.*s", (int)serial, text);
    snprintf(e->state, sizeof e->state, "%.*s", (int)state, rest);
    snprintf(e->model, sizeof e->model, "%.*s", model == NULL ? 0 : (int)strcspn(model + 7, " "),
        model == NULL ? "" : model + 7);
    return true;
}

static oct_status list(const oct_adb *adb, entry *entries, int *count, oct_error *err)
{
    static const char *const argv[] = { "adb", "devices", "-l", NULL };
    oct_process_result result;
    char reason[256];
    *count = 0;
    oct_status status = run(adb, argv, short_seconds, NULL, &result, err);
    if (status == OCT_OK && result.code != 0)
        status = oct_fail(err, OCT_E_SYSTEM, "adb cannot start its server: %s",
            last_line(result.err, reason, sizeof reason));
    for (const char *at = result.out; status == OCT_OK && *at != 0 && *count < MAX_DEVICES;) {
        size_t length = strcspn(at, "\n");
        *count += read_entry(at, length, &entries[*count]);
        at += length + (at[length] != 0);
    }
    oct_process_result_clear(&result);
    return status;
}

static void name_all(const entry *entries, int count, char *text, size_t size)
{
    size_t at = 0;
    text[0] = 0;
    for (int i = 0; i < count && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s%s%s", i > 0 ? ", " : "",
            entries[i].serial, entries[i].model[0] != 0 ? " " : "", entries[i].model);
}

static oct_status choose(
    const entry *entries, int count, const char *wanted, const entry **chosen, oct_error *err)
{
    char names[300];
    name_all(entries, count, names, sizeof names);
    *chosen = NULL;
    for (int i = 0; i < count; i++)
        if (wanted != NULL && strcmp(entries[i].serial, wanted) == 0)
            *chosen = &entries[i];
    if (*chosen != NULL)
        return OCT_OK;
    if (count == 0)
        return oct_fail(err, OCT_E_SYSTEM,
            "no Android device is connected: switch on USB debugging and plug in the cable, or "
            "'adb connect HOST:PORT'");
    if (wanted != NULL)
        return oct_fail(
            err, OCT_E_SYSTEM, "device %s is not connected; there is %s", wanted, names);
    if (count > 1)
        return oct_fail(err, OCT_E_SYSTEM,
            "%d devices are connected (%s): say which with --device adb:SERIAL or ANDROID_SERIAL",
            count, names);
    *chosen = entries;
    return OCT_OK;
}

/* Device states that a device leaves by itself within seconds. */
static bool is_passing(const char *state)
{
    return strcmp(state, "offline") == 0 || strcmp(state, "authorizing") == 0 ||
           strcmp(state, "connecting") == 0;
}

static oct_status judge(const entry *e, oct_error *err)
{
    if (strcmp(e->state, "device") == 0 || strcmp(e->state, "emulator") == 0)
        return OCT_OK;
    if (strcmp(e->state, "unauthorized") == 0)
        return oct_fail(err, OCT_E_SYSTEM,
            "device %s has not authorised this computer: unlock it and confirm 'Allow USB "
            "debugging'",
            e->serial);
    if (strcmp(e->state, "no permissions") == 0)
        return oct_fail(err, OCT_E_SYSTEM,
            "no permission to open device %s: install android-sdk-platform-tools-common (udev "
            "rules) "
            "and plug it in again",
            e->serial);
    if (is_passing(e->state))
        return oct_fail(err, OCT_E_SYSTEM,
            "device %s is %s: plug it in again, or 'adb reconnect offline'", e->serial, e->state);
    return oct_fail(
        err, OCT_E_SYSTEM, "device %s is in state '%s': start Android on it", e->serial, e->state);
}

static void wait_a_moment(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 250000000 }, NULL);
}

oct_status oct_adb_find(oct_adb *adb, const char *serial, oct_error *err)
{
    entry entries[MAX_DEVICES];
    const entry *chosen = NULL;
    const char *wanted = serial != NULL ? serial : getenv("ANDROID_SERIAL");
    if (wanted != NULL && *wanted == 0)
        wanted = NULL;
    int count;
    double begin = oct_seconds();
    for (;;) {
        OCT_TRY(list(adb, entries, &count, err));
        OCT_TRY(choose(entries, count, wanted, &chosen, err));
        if (!is_passing(chosen->state) || oct_seconds() - begin > settle_seconds)
            break;
        wait_a_moment();
    }
    snprintf(adb->serial, sizeof adb->serial, "%s", chosen->serial);
    return judge(chosen, err);
}

/* Why a device does not answer any more: its state now, or the last words of adb. */
static oct_status fail_lost(const oct_adb *adb, const char *words, oct_error *err)
{
    entry entries[MAX_DEVICES];
    int count;
    char reason[160];
    oct_adb unwatched = { .user = NULL };
    last_line(words, reason, sizeof reason);
    if (list(&unwatched, entries, &count, NULL) == OCT_OK)
        for (int i = 0; i < count; i++)
            if (strcmp(entries[i].serial, adb->serial) == 0 && !is_passing(entries[i].state) &&
                judge(&entries[i], err) != OCT_OK)
                return OCT_E_SYSTEM;
    return oct_fail(err, OCT_E_SYSTEM,
        "the connection to device %s was lost (cable, adb or the device itself)%s%s", adb->serial,
        *reason != 0 ? ": " : "", reason);
}

/* While a program runs: is its device still there? */
static bool is_there(const char *serial)
{
    const char *const argv[] = { "adb", "-s", serial, "get-state", NULL };
    oct_process_watch watch = { .seconds = short_seconds };
    oct_process_result result;
    bool there = oct_process_run(argv, &watch, &result, NULL) != OCT_OK || result.code == 0;
    oct_process_result_clear(&result);
    return there;
}

typedef struct watched {
    const oct_adb *adb;
} watched;

static bool watched_cancelled(void *user)
{
    const oct_adb *adb = ((watched *)user)->adb;
    return adb->cancelled != NULL && adb->cancelled(adb->user);
}

static bool watched_alive(void *user)
{
    const oct_adb *adb = ((watched *)user)->adb;
    return is_there(adb->serial) || is_there(adb->serial);
}

/* Asking. */

static void drop_returns(char *text)
{
    char *to = text;
    for (const char *from = text; *from != 0; from++)
        if (*from != '\r')
            *to++ = *from;
    *to = 0;
}

/* Cuts the mark off the output and reads the exit code behind it; false: there is none. */
static bool take_mark(char *out, int *code)
{
    char *at = NULL;
    for (char *next = strstr(out, mark); next != NULL; next = strstr(next + 1, mark))
        at = next;
    if (at == NULL)
        return false;
    *code = atoi(at + sizeof mark - 1);
    *at = 0;
    return true;
}

oct_status oct_adb_shell(
    const oct_adb *adb, const char *script, double seconds, oct_adb_reply *reply, oct_error *err)
{
    size_t size = strlen(script) + sizeof mark + 32;
    char *text = malloc(size);
    if (reply != NULL)
        *reply = (oct_adb_reply){ .code = -1 };
    if (text == NULL)
        return oct_fail_memory(err, size, "command");
    snprintf(text, size, "(%s\n)\necho %s$?", script, mark);
    const char *const argv[] = { "adb", "-s", adb->serial, "shell", text, NULL };
    watched user = { adb };
    oct_process_watch watch = { seconds, watched_cancelled, watched_alive, &user };
    oct_process_result result;
    int code = -1;
    oct_status status = oct_process_run(argv, &watch, &result, err);
    free(text);
    if (status == OCT_OK)
        drop_returns(result.out);
    if (status == OCT_OK && result.cancelled)
        status = oct_fail(err, OCT_E_SYSTEM, "interrupted");
    else if (status == OCT_OK && result.timed_out)
        status = oct_fail(
            err, OCT_E_SYSTEM, "device %s did not answer within %.0f s", adb->serial, seconds);
    else if (status == OCT_OK && !take_mark(result.out, &code))
        status = fail_lost(adb, result.err, err);
    if (status == OCT_OK && reply != NULL) {
        *reply = (oct_adb_reply){ code, result.out };
        result.out = NULL;
    }
    oct_process_result_clear(&result);
    return status;
}

/* Copying. */

/*
 * "adb: error: failed to copy 'a' to 'b': remote couldn't write file: No space left on device", or
 * "adb: error: failed to stat remote object 'a': No such file or directory"
 */
static oct_status fail_copy(
    const oct_adb *adb, const oct_process_result *result, bool *refused, oct_error *err)
{
    static const char *const marks[] = { "failed to copy", "remote object" };
    const char *said = NULL;
    char line[512];
    for (size_t i = 0; i < sizeof marks / sizeof *marks && said == NULL; i++) {
        said = strstr(result->err, marks[i]);
        said = said != NULL ? said : strstr(result->out, marks[i]);
    }
    *refused = said != NULL && !result->dead;
    if (!*refused)
        return fail_lost(adb, result->err, err);
    snprintf(line, sizeof line, "%.*s", (int)strcspn(said, "\r\n"), said);
    const char *reason = strrchr(line, ':');
    return oct_fail(err, OCT_E_SYSTEM, "%s", reason == NULL ? line : reason + 2);
}

static oct_status copy(const oct_adb *adb, const char *verb, const char *from, const char *to,
    bool *refused, oct_error *err)
{
    const char *const argv[] = { "adb", "-s", adb->serial, verb, from, to, NULL };
    watched user = { adb };
    oct_process_watch watch = { copy_seconds, watched_cancelled, watched_alive, &user };
    oct_process_result result;
    oct_status status = oct_process_run(argv, &watch, &result, err);
    *refused = false;
    if (status == OCT_OK && result.cancelled)
        status = oct_fail(err, OCT_E_SYSTEM, "interrupted");
    else if (status == OCT_OK && result.code != 0)
        status = fail_copy(adb, &result, refused, err);
    oct_process_result_clear(&result);
    return status;
}

oct_status oct_adb_push(
    const oct_adb *adb, const char *local, const char *remote, bool *refused, oct_error *err)
{
    return copy(adb, "push", local, remote, refused, err);
}

oct_status oct_adb_pull(
    const oct_adb *adb, const char *remote, const char *local, bool *refused, oct_error *err)
{
    return copy(adb, "pull", remote, local, refused, err);
}

const char *oct_adb_signal(int code)
{
    static const struct {
        int number;
        const char *name;
    } names[] = { { 1, "SIGHUP" }, { 2, "SIGINT" }, { 4, "SIGILL" }, { 6, "SIGABRT" },
        { 7, "SIGBUS" }, { 8, "SIGFPE" }, { 9, "SIGKILL" }, { 11, "SIGSEGV" }, { 13, "SIGPIPE" },
        { 15, "SIGTERM" }, { 25, "SIGXFSZ" }, { 31, "SIGSYS" } };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (code == 128 + names[i].number)
            return names[i].name;
    return code > 128 ? "a signal" : NULL;
}
