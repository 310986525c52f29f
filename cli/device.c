/*
 * From the options to an open device.
 */
#include "device.h"

#include <stdlib.h>
#include <string.h>

static void show_note(void *user, const char *sentence)
{
    cli_note(user, "%s", sentence);
}

oct_status cli_device_open(const cli_args *args, int32_t threads, oct_device **out, oct_error *err)
{
    static const char *const dependent[] = { "device-program", "cores", "fixed-clocks",
        "leave-nothing" };
    const char *spec = cli_get(args, "device"), *engine = cli_get(args, "engine");
    *out = NULL;
    for (size_t i = 0; spec == NULL && i < sizeof dependent / sizeof *dependent; i++)
        if (cli_get(args, dependent[i]) != NULL)
            return cli_usage(args, err, "--%s needs --device", dependent[i]);
    if (spec == NULL)
        return OCT_OK;
    if ((engine != NULL && strcmp(engine, "octavo") != 0) ||
        cli_get(args, "litert-library") != NULL)
        return cli_usage(args, err,
            "LiteRT cannot be measured over adb: the program on the phone is static and loads no "
            "library; "
            "the app measures TensorFlow Lite there");
    oct_device_options options = { .program = cli_get(args, "device-program"),
        .cores = cli_get(args, "cores"),
        .threads = threads,
        .fixed_clocks = cli_get(args, "fixed-clocks") != NULL,
        .leave_nothing = cli_get(args, "leave-nothing") != NULL,
        .take_signals = true,
        .note = show_note,
        .note_user = (void *)(uintptr_t)args };
    oct_status status = oct_device_open(spec, &options, out, err);
    return status == OCT_E_USAGE ? cli_usage(args, err, "--device: %s", err->text) : status;
}

json_t *cli_device_json(const oct_device *device)
{
    char *text;
    if (device == NULL || oct_device_json(device, &text, NULL) != OCT_OK)
        return NULL;
    json_t *object = json_loads(text, 0, NULL);
    free(text);
    return object;
}
