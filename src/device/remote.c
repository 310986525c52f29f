/*
 * The program on the device: started, watched, its failures put into words; and the folder it runs in.
 *
 * Signals are not handled but blocked and asked for, so that a measurement can end in order without any
 * state outside its device.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device/device.h"
#include "device/process.h"

static const double call_seconds = 24 * 3600, ask_seconds = 60, largest_step = 5;

void oct_device_note(oct_device *d, const char *format, ...)
{
    char text[256];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    for (int32_t i = 0; i < d->note_count; i++)
        if (strcmp(d->notes[i], text) == 0)
            return;
    if (d->note_count < OCT_DEVICE_NOTES)
        snprintf(d->notes[d->note_count++], sizeof *d->notes, "%s", text);
    if (d->options.note != NULL)
        d->options.note(d->options.note_user, text);
}

/* The date set forward or back; times are taken by a clock that this does not move. */
static void look_for_jump(
    oct_device *d, const oct_device_state *before, const oct_device_state *now)
{
    if (before->clock < 0 || before->uptime < 0 || now->clock < 0 || now->uptime < 0)
        return;
    double jump = now->clock - before->clock - (now->uptime - before->uptime);
    if (fabs(jump) > largest_step)
        oct_device_note(
            d, "the date of %.100s jumped by %.0f s; its times do not depend on it", d->name, jump);
}

oct_status oct_device_look(oct_device *d, const oct_device_state **state, oct_error *err)
{
    /* When all places are taken the newest is overwritten: first ones and last one matter. */
    int32_t at = d->state_count < OCT_DEVICE_STATES ? d->state_count : OCT_DEVICE_STATES - 1;
    OCT_TRY(oct_device_read_state(&d->adb, &d->facts, &d->states[at], err));
    d->states[at].seconds = oct_seconds() - d->opened;
    if (at > 0)
        look_for_jump(d, &d->states[at - 1], &d->states[at]);
    d->state_count = at + 1;
    if (state != NULL)
        *state = &d->states[at];
    return OCT_OK;
}

bool oct_device_quote(const char *word, char *text, size_t size)
{
    size_t at = 0;
    for (bool first = true;; first = false) {
        const char *piece = first || *word == 0 ? "'" : *word == '\'' ? "'\\''" : NULL;
        size_t length = piece != NULL ? strlen(piece) : 1;
        if (at + length + 1 > size)
            return false;
        memcpy(text + at, piece != NULL ? piece : word, length);
        at += length;
        if (!first && *word == 0)
            break;
        word += !first;
    }
    text[at] = 0;
    return true;
}

/* Signals. */

static void taken_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

static bool is_interrupted(void *user)
{
    oct_device *d = user;
    sigset_t set;
    taken_signals(&set);
    const struct timespec now = { 0, 0 };
    int number = d->options.take_signals && d->busy ? sigtimedwait(&set, NULL, &now) : -1;
    if (number > 0)
        snprintf(d->signal, sizeof d->signal, "%s",
            number == SIGINT    ? "SIGINT"
            : number == SIGTERM ? "SIGTERM"
                                : "SIGHUP");
    return *d->signal != 0;
}

static void block_signals(oct_device *d)
{
    sigset_t set;
    taken_signals(&set);
    d->busy = true;
    d->adb.cancelled = is_interrupted;
    d->adb.user = d;
    if (d->options.take_signals)
        sigprocmask(SIG_BLOCK, &set, &d->blocked);
}

static void restore_signals(oct_device *d)
{
    d->busy = false;
    d->adb.cancelled = NULL;
    if (d->options.take_signals)
        sigprocmask(SIG_SETMASK, &d->blocked, NULL);
}

/* Begin and end. */

static const char begin_script[] =
    "mkdir -p " OCT_DEVICE_FOLDER " && cd " OCT_DEVICE_FOLDER " || exit 1\n"
    "p=$(cat run/pid 2>/dev/null)\n"
    "if [ -n \"$p\" ] && kill -0 $p 2>/dev/null; then echo busy $p; exit 0; fi\n"
    "rm -rf run *.part; mkdir run && echo made";

static const char end_script[] = "cd " OCT_DEVICE_FOLDER " || exit 0\n"
                                 "p=$(cat run/pid 2>/dev/null)\n"
                                 "[ -z \"$p\" ] || kill -9 $p 2>/dev/null\n"
                                 "rm -rf run *.part\n"
                                 "find . -type f -mtime +7 -exec rm -f {} +";

/* What the shell said last, for a sentence. */
static void last_words(const char *text, char *words, size_t size)
{
    const char *colon = strrchr(text, ':');
    const char *at = colon != NULL ? colon + 1 + strspn(colon + 1, " ") : text;
    snprintf(words, size, "%.*s", (int)strcspn(at, "\n"), at);
}

static oct_status make_folder(oct_device *d, oct_error *err)
{
    char script[sizeof begin_script + 16], words[160];
    oct_adb_reply reply;
    snprintf(script, sizeof script, "exec 2>&1\n%s", begin_script);
    OCT_TRY(oct_adb_shell(&d->adb, script, ask_seconds, &reply, err));
    int process = 0;
    bool busy = sscanf(reply.out, "busy %d", &process) == 1;
    bool made = strncmp(reply.out, "made", 4) == 0;
    last_words(reply.out, words, sizeof words);
    free(reply.out);
    if (busy)
        return oct_fail(err, OCT_E_SYSTEM,
            "%s is being measured on already (process %d there): wait, "
            "or 'adb -s %s shell kill %d'",
            d->name, process, d->adb.serial, process);
    return made ? OCT_OK
                : oct_fail(err, OCT_E_SYSTEM,
                      "%s: cannot make the folder " OCT_DEVICE_FOLDER ": %s", d->name, words);
}

/* Android's fixed performance mode; false where there is none. */
static bool set_clocks(const oct_device *d, bool fixed)
{
    char script[96];
    oct_adb_reply reply = { .code = 1 };
    snprintf(script, sizeof script, "cmd power set-fixed-performance-mode-enabled %s",
        fixed ? "true" : "false");
    (void)oct_adb_shell(&d->adb, script, ask_seconds, &reply, NULL);
    free(reply.out);
    return reply.code == 0;
}

oct_status oct_device_begin(oct_device *d, oct_error *err)
{
    if (*d->signal != 0)
        return oct_fail(err, OCT_E_SYSTEM, "interrupted by %s", d->signal);
    block_signals(d);
    oct_status status = make_folder(d, err);
    if (status != OCT_OK)
        restore_signals(d);
    else if (d->options.fixed_clocks)
        d->fixed = set_clocks(d, true);
    if (d->fixed == 0)
        oct_device_note(d, "%.100s has no fixed performance mode", d->name);
    return status;
}

oct_status oct_device_end(oct_device *d, oct_status status, oct_error *err)
{
    d->adb.cancelled = NULL; /* cleaning up is not interrupted */
    (void)oct_adb_shell(&d->adb, end_script, ask_seconds, NULL, NULL);
    if (d->fixed == 1)
        set_clocks(d, false);
    restore_signals(d);
    return status != OCT_OK && *d->signal != 0
               ? oct_fail(err, OCT_E_SYSTEM, "interrupted by %s", d->signal)
               : status;
}

/* Calling. */

static oct_status fail_signal(const oct_device *d, int code, oct_error *err)
{
    const char *why = code == 128 + SIGKILL  ? " (out of memory, or somebody stopped it)"
                      : code == 128 + SIGSYS ? " (a system call that this Android refuses)"
                      : code == 128 + SIGILL ? " (an instruction that its CPU lacks)"
                      : code == 128 + SIGHUP ? " (adb was restarted)"
                                             : "";
    return oct_fail(err, OCT_E_SYSTEM, "%s: the program was killed there by %s%s", d->name,
        oct_adb_signal(code), why);
}

/* The program's own sentence, "octavo bench: m.tflite: …", and its status. */
static oct_status fail_sentence(oct_device *d, int code, oct_error *err)
{
    static const oct_status statuses[] = { OCT_OK, OCT_E_SYSTEM, OCT_E_SYSTEM, OCT_E_INVALID,
        OCT_E_UNSUPPORTED, OCT_E_SYSTEM };
    oct_adb_reply reply;
    OCT_TRY(oct_adb_shell(
        &d->adb, "tail -n 1 " OCT_DEVICE_FOLDER "/run/err", ask_seconds, &reply, err));
    const char *text = reply.out, *colon = strchr(text, ':');
    if (strncmp(text, "octavo ", 7) == 0 && colon != NULL)
        text = colon + 1 + strspn(colon + 1, " ");
    int length = (int)strcspn(text, "\n");
    oct_status status = code < 6 ? statuses[code] : OCT_E_SYSTEM;
    if (length > 0)
        oct_fail(err, status, "%s: %.*s", d->name, length, text);
    else
        oct_fail(err, status, "%s: the program ended there with exit code %d", d->name, code);
    free(reply.out);
    return status;
}

oct_status oct_device_call(oct_device *d, const char *words, oct_error *err)
{
    static const char form[] = "cd " OCT_DEVICE_FOLDER " || exit 5\n"
                               "./%s %s >run/out 2>run/err &\n"
                               "p=$!; echo $p >run/pid; wait $p; c=$?; rm -f run/pid; exit $c";
    size_t size = sizeof form + sizeof d->program + strlen(words);
    char *script = malloc(size);
    if (script == NULL)
        return oct_fail_memory(err, size, "command");
    snprintf(script, size, form, d->program, words);
    oct_adb_reply reply;
    oct_status status = oct_adb_shell(&d->adb, script, call_seconds, &reply, err);
    free(script);
    OCT_TRY(status);
    free(reply.out);
    if (reply.code > 128)
        return fail_signal(d, reply.code, err);
    return reply.code == 0 ? OCT_OK : fail_sentence(d, reply.code, err);
}
