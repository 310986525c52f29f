/*
 * Parsing a command line against a command's table.
 */
#include "command.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const cli_option cli_common_options[] = {
    { "json", 0, NULL, "machine output on stdout, everything else on stderr" },
    { "quiet", 'q', NULL, "no progress and no notes" },
    { "verbose", 'v', NULL, "say more" },
    { "progress", 0, NULL, "progress as lines on stderr, for programs that show it" },
    { "threads", 0, "N", "worker threads (default: all cores); never changes a result" },
    { "seed", 0, "N", "seed of everything random (default 1)" },
    { "help", 'h', NULL, "this text" },
    { 0 },
};

oct_status cli_usage(const cli_args *args, oct_error *err, const char *format, ...)
{
    char text[sizeof err->text]; /* an argument may be err->text itself */
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (length >= 0 && (size_t)length < sizeof text)
        snprintf(text + length, sizeof text - (size_t)length, " (see 'octavo help %s')",
            args->command->name);
    memcpy(err->text, text, sizeof text);
    err->status = OCT_E_USAGE;
    err->offset = -1;
    return OCT_E_USAGE;
}

static const cli_option *find_long(const cli_command *command, const char *name, size_t length)
{
    const cli_option *const lists[] = { command->options, cli_common_options };
    for (size_t i = 0; i < 2; i++)
        for (const cli_option *o = lists[i]; o != NULL && o->name != NULL; o++)
            if (strlen(o->name) == length && memcmp(o->name, name, length) == 0)
                return o;
    return NULL;
}

static const cli_option *find_short(const cli_command *command, char letter)
{
    const cli_option *const lists[] = { command->options, cli_common_options };
    for (size_t i = 0; i < 2; i++)
        for (const cli_option *o = lists[i]; o != NULL && o->name != NULL; o++)
            if (o->letter == letter)
                return o;
    return NULL;
}

static oct_status keep(cli_args *args, const cli_option *option, const char *value, oct_error *err)
{
    if (args->given_count == CLI_MAX_OPTIONS)
        return cli_usage(args, err, "more than %d options", CLI_MAX_OPTIONS);
    args->given[args->given_count].option = option;
    args->given[args->given_count++].value = value;
    return OCT_OK;
}

/* Parses the option at argv[*at]; steps over its value. */
static oct_status parse_option(cli_args *args, int argc, char **argv, int *at, oct_error *err)
{
    const char *word = argv[*at], *value = NULL;
    const cli_option *option;
    if (word[1] == '-') {
        const char *equals = strchr(word, '=');
        size_t length = equals == NULL ? strlen(word + 2) : (size_t)(equals - word - 2);
        option = find_long(args->command, word + 2, length);
        value = equals == NULL ? NULL : equals + 1;
    } else {
        option = find_short(args->command, word[1]);
        value = word[2] == '\0' ? NULL : word + 2;
    }
    if (option == NULL)
        return cli_usage(args, err, "unknown option '%s'", word);
    if (option->value == NULL)
        return value == NULL ? keep(args, option, "", err) :
                               cli_usage(args, err, "--%s takes no value", option->name);
    if (value == NULL && *at + 1 < argc)
        value = argv[++*at];
    if (value == NULL)
        return cli_usage(args, err, "--%s needs a value: %s", option->name, option->value);
    return keep(args, option, value, err);
}

static oct_status read_common(cli_args *args, oct_error *err)
{
    int64_t threads, seed;
    args->json = cli_get(args, "json") != NULL;
    args->quiet = cli_get(args, "quiet") != NULL;
    args->verbose = cli_get(args, "verbose") != NULL;
    args->progress = cli_get(args, "progress") != NULL;
    oct_status status = cli_get_int(args, "threads", 1, 256, 0, &threads, err);
    if (status == OCT_OK)
        status = cli_get_int(args, "seed", 0, INT64_MAX, 1, &seed, err);
    if (status != OCT_OK)
        return status;
    args->threads = (int32_t)threads;
    args->seed = (uint64_t)seed;
    return OCT_OK;
}

oct_status cli_parse(const cli_command *command, int argc, char **argv, cli_args *args, oct_error *err)
{
    args->command = command;
    bool options_end = false;
    for (int i = 0; i < argc; i++) {
        if (!options_end && strcmp(argv[i], "--") == 0) {
            options_end = true;
        } else if (!options_end && argv[i][0] == '-' && argv[i][1] != '\0') {
            oct_status status = parse_option(args, argc, argv, &i, err);
            if (status != OCT_OK)
                return status;
        } else {
            args->words[args->word_count++] = argv[i];
        }
    }
    if (cli_get(args, "help") != NULL)
        return OCT_OK;
    if (args->word_count < command->min_words)
        return cli_usage(args, err, "%s is missing", command->words);
    if (command->max_words >= 0 && args->word_count > command->max_words)
        return cli_usage(args, err, "unexpected argument '%s'", args->words[command->max_words]);
    return read_common(args, err);
}

const char *cli_get(const cli_args *args, const char *name)
{
    for (int i = args->given_count - 1; i >= 0; i--)
        if (strcmp(args->given[i].option->name, name) == 0)
            return args->given[i].value;
    return NULL;
}

oct_status cli_get_int(const cli_args *args, const char *name, int64_t low, int64_t high,
    int64_t fallback, int64_t *value, oct_error *err)
{
    *value = fallback;
    const char *text = cli_get(args, name);
    if (text == NULL)
        return OCT_OK;
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < low || number > high)
        return cli_usage(args, err, "--%s: '%s' is not a whole number from %lld to %lld", name, text,
            (long long)low, (long long)high);
    *value = number;
    return OCT_OK;
}

oct_status cli_get_number(const cli_args *args, const char *name, double fallback, double *value,
    oct_error *err)
{
    *value = fallback;
    const char *text = cli_get(args, name);
    if (text == NULL)
        return OCT_OK;
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number))
        return cli_usage(args, err, "--%s: '%s' is not a number", name, text);
    *value = number;
    return OCT_OK;
}

/* "NAME=1,224,224,3" or "1,224,224,3". */
static oct_status parse_shape(const cli_args *args, const char *text, oct_input_shape *shape,
    char *name, size_t name_size, oct_error *err)
{
    const char *equals = strrchr(text, '=');
    const char *digits = equals == NULL ? text : equals + 1;
    shape->name = NULL;
    if (equals != NULL) {
        if ((size_t)(equals - text) >= name_size)
            return cli_usage(args, err, "--input-shape: the input's name is too long");
        memcpy(name, text, (size_t)(equals - text));
        name[equals - text] = '\0';
        shape->name = name;
    }
    for (shape->rank = 0; shape->rank < 8;) {
        char *end;
        long dim = strtol(digits, &end, 10);
        if (end == digits || dim < 1 || dim > INT32_MAX)
            break;
        shape->dims[shape->rank++] = (int32_t)dim;
        if (*end == '\0')
            return OCT_OK;
        if (*end != ',')
            break;
        digits = end + 1;
    }
    return cli_usage(args, err, "--input-shape: '%s' is not NAME=D,D,… with 1 to 8 positive sizes", text);
}

oct_status cli_get_shapes(const cli_args *args, cli_shapes *shapes, oct_error *err)
{
    int64_t batch;
    *shapes = (cli_shapes){ 0 };
    oct_status status = cli_get_int(args, "batch", 1, 65536, 0, &batch, err);
    for (int i = 0; status == OCT_OK && i < args->given_count; i++) {
        if (strcmp(args->given[i].option->name, "input-shape") != 0)
            continue;
        int32_t at = shapes->options.shape_count;
        if (at == 16)
            return cli_usage(args, err, "--input-shape: more than 16 shapes");
        status = parse_shape(args, args->given[i].value, &shapes->shapes[at], shapes->names[at],
            sizeof shapes->names[at], err);
        shapes->options.shape_count++;
    }
    shapes->options.batch = (int32_t)batch;
    shapes->options.shapes = shapes->shapes;
    return status;
}

oct_status cli_open_data(const cli_args *args, const char *spec, oct_data **out, oct_error *err)
{
    const char *cache = cli_get(args, "cache");
    oct_status status = oct_data_open(spec, out, err);
    if (status == OCT_OK && cache != NULL)
        status = oct_data_use_cache(*out, cache, err);
    return status;
}

oct_status cli_fit_length(
    const cli_args *args, const oct_data *data, oct_model *model, oct_error *err)
{
    int32_t length;
    oct_status status = oct_data_fit_length(data, model, &length, err);
    if (status == OCT_OK && length > 0)
        cli_note(args, "the input's length is open: %d, as the first sample has", (int)length);
    return status;
}
