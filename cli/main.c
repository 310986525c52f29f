/*
 * octavo COMMAND …: finds the command, parses, runs, prints one sentence on failure.
 */
#include "command.h"
#include "help.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const cli_command *const cli_commands[] = {
#define CLI_COMMAND(name) &cli_##name,
#include "commands.def"
#undef CLI_COMMAND
    NULL,
};

static const cli_command *find_command(const char *name)
{
    for (const cli_command *const *c = cli_commands; *c != NULL; c++)
        if (strcmp((*c)->name, name) == 0)
            return *c;
    return NULL;
}

static int unknown_command(const char *name)
{
    fprintf(stderr, "octavo: unknown command '%s' (see 'octavo help')\n", name);
    return oct_status_exit_code(OCT_E_USAGE);
}

static int run_help(int argc, char **argv)
{
    if (argc < 3) {
        help_overview(stdout);
        return 0;
    }
    const cli_command *command = find_command(argv[2]);
    if (command == NULL)
        return unknown_command(argv[2]);
    help_command(stdout, command);
    return 0;
}

/*
 * One of several processes: only the first speaks. A failure that all share is told by the first; one
 * that only another has is told by that one, when the first has had a second to end the job.
 */
static oct_status run_shared(oct_group *group, cli_args *args, oct_error *err)
{
    args->group = group;
    if (!args->command->shared)
        return cli_usage(args, err, "runs as one process; eval, compare and quantize can be shared");
    if (group->rank == 0)
        return args->command->run(args, err);
    args->quiet = true;
    if (freopen("/dev/null", "w", stdout) == NULL)
        return OCT_E_SYSTEM;
    oct_status status = args->command->run(args, err);
    if (status != OCT_OK && status != OCT_E_CONDITION)
        sleep(1);
    return status;
}

static oct_status run_alone_or_shared(cli_args *args, oct_group **group, oct_error *err)
{
    oct_status status = oct_group_join(group, err);
    if (status != OCT_OK)
        return status;
    return *group == NULL ? args->command->run(args, err) : run_shared(*group, args, err);
}

static int run_command(const cli_command *command, int argc, char **argv)
{
    oct_group *group = NULL;
    cli_args args = { 0 };
    oct_error err = { 0 };
    args.words = calloc((size_t)argc + 1, sizeof *args.words);
    if (args.words == NULL) {
        fputs("octavo: out of memory\n", stderr);
        return oct_status_exit_code(OCT_E_MEMORY);
    }
    oct_status status = cli_parse(command, argc - 2, argv + 2, &args, &err);
    if (status == OCT_OK && cli_get(&args, "help") != NULL)
        help_command(stdout, command);
    else if (status == OCT_OK)
        status = run_alone_or_shared(&args, &group, &err);
    free(args.words);
    if (status != OCT_OK && err.text[0] != '\0')
        fprintf(stderr, "octavo %s: %s\n", command->name, err.text);
    else if (status != OCT_OK && status != OCT_E_CONDITION)
        fprintf(stderr, "octavo %s: %s\n", command->name, oct_status_text(status));
    if (group != NULL && status != OCT_OK && status != OCT_E_CONDITION)
        group->abort(group->user, oct_status_exit_code(status));
    oct_group_leave(group);
    return oct_status_exit_code(status);
}

int main(int argc, char **argv)
{
    /* A reader that goes away (| head) or a file-size limit is a failed write, not a killed process. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    if (argc < 2) {
        help_overview(stderr);
        return oct_status_exit_code(OCT_E_USAGE);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("octavo " OCT_VERSION);
        return 0;
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return run_help(argc, argv);
    const cli_command *command = find_command(argv[1]);
    return command == NULL ? unknown_command(argv[1]) : run_command(command, argc, argv);
}
