/*
 * Help, man page and shell completion: three printers of the same tables.
 */
#include "help.h"

#include <stdlib.h>
#include <string.h>

static const char exit_codes[] =
    "0 done; 1 the asked condition does not hold; 2 usage; 3 bad model or data;\n"
    "4 valid but unsupported; 5 the system failed.";

void help_overview(FILE *file)
{
    fputs("octavo: quantize TensorFlow Lite models after training, and see what it costs\n\n"
          "usage: octavo COMMAND …\n\n",
        file);
    for (const cli_command *const *c = cli_commands; *c != NULL; c++)
        fprintf(file, "  %-11s %s\n", (*c)->name, (*c)->summary);
    fputs("\n'octavo help COMMAND' shows options and examples. Start with:\n"
          "  octavo compare model.keras --data images/ -o out/\n"
          "Exit codes: ",
        file);
    fprintf(file, "%s\n", exit_codes);
}

static void print_options(FILE *file, const cli_option *options)
{
    for (const cli_option *o = options; o != NULL && o->name != NULL; o++) {
        char left[64];
        snprintf(left, sizeof left, "%c%c%s--%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
            o->letter ? ", " : "  ", o->name, o->value ? " " : "", o->value ? o->value : "");
        /* Width in characters: a value may hold a multi-byte ellipsis. */
        int extra = 0;
        for (const char *p = left; *p != '\0'; p++)
            extra += ((unsigned char)*p & 0xc0) == 0x80;
        fprintf(file, "  %-*s %s\n", 30 + extra, left, o->help);
    }
}

void help_command(FILE *file, const cli_command *command)
{
    fprintf(file, "octavo %s: %s\n\nusage: octavo %s %s [options]\n\n", command->name,
        command->summary, command->name, command->words);
    if (command->text != NULL)
        fprintf(file, "%s\n\n", command->text);
    if (command->options != NULL && command->options->name != NULL) {
        fputs("options:\n", file);
        print_options(file, command->options);
        fputc('\n', file);
    }
    fputs("common options:\n", file);
    print_options(file, cli_common_options);
    fprintf(file, "\nexamples:\n%s\n", command->examples);
}

static oct_status run_completion(const cli_args *args, oct_error *err)
{
    if (strcmp(args->words[0], "bash") != 0)
        return cli_usage(args, err, "completion for '%s': only bash is known", args->words[0]);
    fputs("# bash completion for octavo: source it, or put it into bash-completion's folder\n"
          "_octavo() {\n    local word=\"${COMP_WORDS[COMP_CWORD]}\" options\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W \"help",
        stdout);
    for (const cli_command *const *c = cli_commands; *c != NULL; c++)
        printf(" %s", (*c)->name);
    fputs("\" -- \"$word\"))\n        return\n    fi\n    case \"${COMP_WORDS[1]}\" in\n", stdout);
    for (const cli_command *const *c = cli_commands; *c != NULL; c++) {
        printf("    %s) options=\"", (*c)->name);
        for (const cli_option *o = (*c)->options; o != NULL && o->name != NULL; o++)
            printf("--%s ", o->name);
        fputs("\" ;;\n", stdout);
    }
    fputs("    esac\n    if [[ \"$word\" == -* ]]; then\n        COMPREPLY=($(compgen -W \"$options", stdout);
    for (const cli_option *o = cli_common_options; o->name != NULL; o++)
        printf(" --%s", o->name);
    return cli_print_text("\" -- \"$word\"))\n    fi\n}\ncomplete -o default -F _octavo octavo", err);
}

const cli_command cli_completion = {
    .name = "completion",
    .words = "SHELL",
    .min_words = 1,
    .max_words = 1,
    .summary = "shell completion, printed from the command tables",
    .examples = "  octavo completion bash > ~/.local/share/bash-completion/completions/octavo",
    .run = run_completion,
};

/* troff takes a leading dot or quote as a request, a backslash as an escape and "-" as a hyphen. */
static void print_troff(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if ((p == text || p[-1] == '\n') && (*p == '.' || *p == '\''))
            fputs("\\&", stdout);
        if (*p == '-' || *p == '\\')
            fputs(*p == '-' ? "\\-" : "\\e", stdout);
        else
            fputc(*p, stdout);
    }
}

static void print_man_options(const cli_option *options)
{
    for (const cli_option *o = options; o != NULL && o->name != NULL; o++) {
        printf(".TP\n");
        if (o->letter != 0)
            printf("\\fB\\-%c\\fR, ", o->letter);
        printf("\\fB\\-\\-");
        print_troff(o->name);
        printf("\\fR%s%s\n", o->value ? " " : "", o->value ? o->value : "");
        print_troff(o->help);
        fputc('\n', stdout);
    }
}

static oct_status run_man(const cli_args *args, oct_error *err)
{
    (void)args;
    fputs(".TH OCTAVO 1 \"\" \"octavo " OCT_VERSION "\"\n.SH NAME\noctavo \\- quantize TensorFlow Lite "
          "models after training, and see what it costs\n.SH SYNOPSIS\n.B octavo\n.I COMMAND\n…\n",
        stdout);
    for (const cli_command *const *c = cli_commands; *c != NULL; c++) {
        printf(".SH ");
        for (const char *p = (*c)->name; *p != '\0'; p++)
            fputc(*p - 'a' + 'A', stdout);
        printf("\n.B octavo %s\n%s\n.PP\n", (*c)->name, (*c)->words);
        print_troff((*c)->summary);
        if ((*c)->text != NULL) {
            fputs("\n.PP\n", stdout);
            print_troff((*c)->text);
        }
        fputc('\n', stdout);
        print_man_options((*c)->options);
        fputs(".PP\n.nf\n", stdout);
        print_troff((*c)->examples);
        fputs("\n.fi\n", stdout);
    }
    fputs(".SH COMMON OPTIONS\n", stdout);
    print_man_options(cli_common_options);
    printf(".SH EXIT STATUS\n");
    return cli_print_text(exit_codes, err);
}

const cli_command cli_man = {
    .name = "man",
    .words = "",
    .summary = "the manual page, printed from the command tables",
    .examples = "  octavo man | man -l -",
    .run = run_man,
};
