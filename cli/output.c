/*
 * What the commands print: answers on stdout, notes and progress on stderr.
 */
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void cli_progress(const cli_args *args, const char *what, int64_t done, int64_t total)
{
    static struct timespec last; /* who looks needs ten updates a second, not more */
    if (total <= 0 || (!args->progress && (args->quiet || !isatty(STDERR_FILENO))))
        return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double passed = (double)(now.tv_sec - last.tv_sec) + 1e-9 * (double)(now.tv_nsec - last.tv_nsec);
    if (done < total && passed < 0.1)
        return;
    last = now;
    if (args->progress) {
        fprintf(stderr, "progress: %d %% %s\n", (int)(done * 100 / total), what);
        return;
    }
    enum { WIDTH = 24 };
    char bar[WIDTH + 1];
    int64_t filled = done * WIDTH / total;
    for (int i = 0; i < WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r\033[K%-28.28s %s %3d %%", what, bar, (int)(done * 100 / total));
    if (done >= total)
        fputs("\r\033[K", stderr);
    fflush(stderr);
}

void cli_note(const cli_args *args, const char *format, ...)
{
    if (args->quiet)
        return;
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
}

static oct_status flush_stdout(oct_error *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return OCT_OK;
    *err = (oct_error){ .status = OCT_E_SYSTEM, .offset = -1 };
    snprintf(err->text, sizeof err->text, "cannot write to stdout: %s", strerror(errno));
    return OCT_E_SYSTEM;
}

oct_status cli_print_text(const char *text, oct_error *err)
{
    fputs(text, stdout);
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] != '\n')
        fputc('\n', stdout);
    return flush_stdout(err);
}

oct_status cli_print_json(json_t *object, oct_error *err)
{
    if (json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) != 0) {
        *err = (oct_error){ .status = OCT_E_SYSTEM, .offset = -1 };
        snprintf(err->text, sizeof err->text, "cannot write JSON to stdout");
        return OCT_E_SYSTEM;
    }
    fputc('\n', stdout);
    return flush_stdout(err);
}

const char *cli_bytes(uint64_t bytes, char *text, size_t size)
{
    if (bytes >= 1000000)
        snprintf(text, size, "%.2f MB", (double)bytes / 1e6);
    else if (bytes >= 1000)
        snprintf(text, size, "%.1f kB", (double)bytes / 1e3);
    else
        snprintf(text, size, "%u B", (unsigned)bytes);
    return text;
}
