/*
 * posix_spawn, two pipes and a poll loop.
 *
 * The end is the program's, not that of its pipes: the first adb command starts a daemon that keeps
 * whatever it inherited, so a reader that waits for end-of-file would wait forever.
 */
#include "device/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { POLL_MS = 20, MAX_BYTES = 256 << 20 };

static const double alive_every_seconds = 5;

/* What comes out of one pipe. */
typedef struct stream {
    int fd; /* -1: closed */
    char *text;
    size_t size, capacity;
} stream;

double oct_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static oct_status reserve(stream *s, oct_error *err)
{
    if (s->capacity - s->size > 4096)
        return OCT_OK;
    size_t capacity = s->capacity == 0 ? 16384 : 2 * s->capacity;
    char *text = capacity <= MAX_BYTES ? realloc(s->text, capacity) : NULL;
    if (text == NULL)
        return oct_fail_memory(err, capacity, "output of a program");
    s->text = text;
    s->capacity = capacity;
    return OCT_OK;
}

/* Takes what is there now. */
static oct_status drain(stream *s, oct_error *err)
{
    while (s->fd >= 0) {
        OCT_TRY(reserve(s, err));
        ssize_t got = read(s->fd, s->text + s->size, s->capacity - s->size - 1);
        if (got > 0) {
            s->size += (size_t)got;
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else if (got < 0 && errno == EAGAIN) {
            break;
        } else {
            close(s->fd);
            s->fd = -1;
        }
    }
    return OCT_OK;
}

static void set_spawn(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes,
    const int out[2], const int err[2])
{
    sigset_t defaults, none;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(actions, err[1], STDERR_FILENO);
    posix_spawnattr_setflags(
        attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setsigdefault(attributes, &defaults);
    posix_spawnattr_setsigmask(attributes, &none);
}

static int spawn(const char *const *argv, const int out[2], const int err[2], pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    set_spawn(&actions, &attributes, out, err);
    /* posix_spawn() takes char *const[] for history's sake and changes nothing. */
    union {
        const char *const *in;
        char *const *out;
    } words = { argv };
    int error = posix_spawnp(pid, argv[0], &actions, &attributes, words.out, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static bool make_pipes(int out[2], int err[2])
{
    if (pipe2(out, O_CLOEXEC) != 0)
        return false;
    if (pipe2(err, O_CLOEXEC) != 0) {
        close(out[0]);
        close(out[1]);
        return false;
    }
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    return true;
}

/* True when the watch wants the program ended. */
static bool must_end(
    const oct_process_watch *watch, double begin, double *asked, oct_process_result *result)
{
    double now = oct_seconds();
    result->cancelled = watch->cancelled != NULL && watch->cancelled(watch->user);
    result->timed_out = now - begin > watch->seconds;
    if (watch->alive != NULL && now - *asked > alive_every_seconds) {
        result->dead = !watch->alive(watch->user);
        *asked = oct_seconds();
    }
    return result->cancelled || result->timed_out || result->dead;
}

static oct_status supervise(pid_t pid, stream streams[2], const oct_process_watch *watch,
    oct_process_result *result, oct_error *err)
{
    double begin = oct_seconds(), asked = begin;
    bool killed = false;
    oct_status status = OCT_OK;
    for (int state = 0;;) {
        struct pollfd fds[2] = { { streams[0].fd, POLLIN, 0 }, { streams[1].fd, POLLIN, 0 } };
        (void)poll(fds, 2, streams[0].fd < 0 && streams[1].fd < 0 ? 1 : POLL_MS);
        bool ended = waitpid(pid, &state, WNOHANG) == pid;
        for (int i = 0; i < 2 && status == OCT_OK; i++)
            status = drain(&streams[i], err);
        if (ended) {
            result->code = WIFSIGNALED(state) ? 128 + WTERMSIG(state) : WEXITSTATUS(state);
            return status;
        }
        if (!killed && (status != OCT_OK || must_end(watch, begin, &asked, result))) {
            kill(pid, SIGKILL);
            killed = true;
        }
    }
}

oct_status oct_process_run(const char *const *argv, const oct_process_watch *watch,
    oct_process_result *result, oct_error *err)
{
    *result = (oct_process_result){ .code = -1 };
    int out[2], errors[2];
    pid_t pid;
    if (!make_pipes(out, errors))
        return oct_fail(err, OCT_E_SYSTEM, "cannot make a pipe: %s", strerror(errno));
    int error = spawn(argv, out, errors, &pid);
    close(out[1]);
    close(errors[1]);
    stream streams[2] = { { .fd = out[0] }, { .fd = errors[0] } };
    oct_status status =
        error == 0 ? supervise(pid, streams, watch, result, err)
                   : oct_fail(err, OCT_E_SYSTEM, "cannot start %s: %s", argv[0], strerror(error));
    for (int i = 0; i < 2; i++) {
        if (streams[i].fd >= 0)
            close(streams[i].fd);
        if (status == OCT_OK)
            status = reserve(&streams[i], err);
        if (streams[i].text != NULL)
            streams[i].text[streams[i].size] = 0;
    }
    result->out = streams[0].text;
    result->err = streams[1].text;
    return status;
}

void oct_process_result_clear(oct_process_result *result)
{
    free(result->out);
    free(result->err);
    *result = (oct_process_result){ .code = -1 };
}
