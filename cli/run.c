/*
 * octavo run: inference on arrays. One leading dimension more than the model's input means many runs.
 */
#include "cpus.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    { "input", 'i', "[NAME=]FILE",
        "X.npy or X.npz; NAME= for one of several inputs, may be repeated" },
    { "output", 'o', "FILE", "Y.npy, or Y.npz with all outputs by name" },
    { "kernels", 0, "KIND", "fast (default) or ref: TensorFlow Lite's reference arithmetic" },
    CLI_CPUS_OPTION,
    CLI_SHAPE_OPTIONS,
    { 0 },
};

enum { MAX_PORTS = 32 };

typedef struct port {
    oct_tensor_info info;
    oct_array array; /* inputs: all runs; outputs: gathered over all runs */
    size_t bytes;    /* of one run */
} port;

typedef struct job {
    const cli_args *args;
    oct_model *model;
    oct_session *session;
    port in[MAX_PORTS], out[MAX_PORTS];
    int32_t in_count, out_count;
    int64_t runs;
    bool stacked; /* the arrays have one dimension more than the tensors */
} job;

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

/* The file that "-i" gives for input `index`; *name is set for the entry of an .npz. */
static const char *file_of_input(const job *j, int32_t index, const char **name)
{
    const char *wanted = j->in[index].info.name, *plain = NULL;
    size_t length = strlen(wanted);
    for (int i = 0; i < j->args->given_count; i++) {
        const char *value = j->args->given[i].value;
        if (strcmp(j->args->given[i].option->name, "input") != 0)
            continue;
        if (strncmp(value, wanted, length) == 0 && value[length] == '=') {
            *name = NULL;
            return value + length + 1;
        }
        plain = value;
    }
    *name = j->in_count > 1 && plain != NULL && ends_with(plain, ".npz") ? wanted : NULL;
    return plain;
}

static oct_status shape_error(const port *p, const char *path, oct_error *err)
{
    char have[128] = "", want[128] = "";
    for (int32_t i = 0; i < p->array.rank; i++)
        snprintf(have + strlen(have), sizeof have - strlen(have), i ? ",%lld" : "%lld",
            (long long)p->array.dims[i]);
    for (int32_t i = 0; i < p->info.rank; i++)
        snprintf(
            want + strlen(want), sizeof want - strlen(want), i ? ",%d" : "%d", p->info.dims[i]);
    err->status = OCT_E_INVALID;
    snprintf(err->text, sizeof err->text, "%s: %s[%s] does not fit input %s, %s[%s]", path,
        p->array.type, have, p->info.name, p->info.type, want);
    return OCT_E_INVALID;
}

/* Runs held by an array for a tensor: bytes divide, trailing dimensions agree. 0: it does not fit. */
static int64_t count_runs(const port *p, bool *stacked)
{
    int32_t extra = p->array.rank - p->info.rank;
    if ((extra != 0 && extra != 1) || strcmp(p->array.type, p->info.type) != 0 || p->bytes == 0)
        return 0;
    int32_t first = extra == 1 ? 0 : 1; /* the batch may differ only without the extra dimension */
    for (int32_t i = first; i < p->info.rank; i++)
        if (p->info.dims[i] > 0 && p->array.dims[i + extra] != p->info.dims[i])
            return 0;
    *stacked = extra == 1;
    return p->array.size % p->bytes == 0 ? (int64_t)(p->array.size / p->bytes) : 0;
}

static oct_status read_input(job *j, int32_t index, oct_error *err)
{
    port *p = &j->in[index];
    const char *name, *path = file_of_input(j, index, &name);
    if (path == NULL)
        return cli_usage(j->args, err, "-i FILE is missing for input %s", p->info.name);
    oct_status status = oct_array_read(path, name, &p->array, err);
    if (status != OCT_OK)
        return status;
    oct_session_input(j->session, index, &p->bytes);
    int64_t runs = count_runs(p, &j->stacked);
    if (runs == 0 || (index > 0 && runs != j->runs))
        return shape_error(p, path, err);
    j->runs = runs;
    return OCT_OK;
}

static oct_status prepare_output(job *j, int32_t index, oct_error *err)
{
    port *p = &j->out[index];
    oct_session_output(j->session, index, &p->bytes);
    p->array.size = p->bytes * (size_t)j->runs;
    p->array.bytes = malloc(p->array.size == 0 ? 1 : p->array.size);
    if (p->array.bytes == NULL) {
        err->status = OCT_E_MEMORY;
        snprintf(err->text, sizeof err->text, "out of memory (%zu bytes for output %s)",
            p->array.size, p->info.name);
        return OCT_E_MEMORY;
    }
    int32_t extra = j->stacked ? 1 : 0;
    p->array.rank = p->info.rank + extra;
    for (int32_t i = 0; i < p->info.rank; i++)
        p->array.dims[i + extra] = p->info.dims[i] < 0 ? 1 : p->info.dims[i];
    if (j->stacked)
        p->array.dims[0] = j->runs;
    else if (p->info.rank > 0)
        p->array.dims[0] *= j->runs;
    return OCT_OK;
}

/* The first run says how large an output is whose shape follows from data; further ones must agree. */
static oct_status take_output(
    job *j, int32_t index, int64_t run, const void *bytes, size_t size, oct_error *err)
{
    port *p = &j->out[index];
    int32_t dims[8], rank = oct_session_output_shape(j->session, index, dims);
    if (run == 0 && rank >= 0 && size != p->bytes) {
        free(p->array.bytes);
        p->array.bytes = NULL;
        p->info.rank = rank;
        for (int32_t i = 0; i < rank; i++)
            p->info.dims[i] = dims[i];
        oct_status status = prepare_output(j, index, err);
        if (status != OCT_OK)
            return status;
    }
    if (size != p->bytes) {
        err->status = OCT_E_UNSUPPORTED;
        snprintf(err->text, sizeof err->text,
            "output %s has %zu bytes for this input and %zu for the first; run them one by one",
            p->info.name, size, p->bytes);
        return OCT_E_UNSUPPORTED;
    }
    if (size > 0)
        memcpy((char *)p->array.bytes + (size_t)run * size, bytes, size);
    return OCT_OK;
}

static oct_status run_all(job *j, oct_error *err)
{
    for (int64_t r = 0; r < j->runs; r++) {
        size_t size;
        for (int32_t i = 0; i < j->in_count; i++) {
            const port *p = &j->in[i];
            memcpy(oct_session_input(j->session, i, &size),
                (const char *)p->array.bytes + (size_t)r * p->bytes, p->bytes);
        }
        oct_status status = oct_session_run(j->session, err);
        if (status != OCT_OK)
            return status;
        for (int32_t i = 0; i < j->out_count; i++) {
            const void *bytes = oct_session_output(j->session, i, &size);
            status = take_output(j, i, r, bytes, size, err);
            if (status != OCT_OK)
                return status;
        }
        cli_progress(j->args, "running", r + 1, j->runs);
    }
    return OCT_OK;
}

static oct_status write_outputs(const job *j, const char *path, oct_error *err)
{
    if (!ends_with(path, ".npz")) {
        const port *p = &j->out[0];
        if (j->out_count > 1)
            return cli_usage(j->args, err, "-o: %d outputs need an .npz file", (int)j->out_count);
        return oct_npy_write(path, p->info.type, p->array.rank, p->array.dims, p->array.bytes, err);
    }
    oct_npz_entry entries[MAX_PORTS];
    for (int32_t i = 0; i < j->out_count; i++) {
        const port *p = &j->out[i];
        entries[i] = (oct_npz_entry){ .name = p->info.name,
            .type = p->info.type,
            .rank = p->array.rank,
            .bytes = p->array.bytes };
        memcpy(entries[i].dims, p->array.dims, sizeof entries[i].dims);
    }
    return oct_npz_write(path, entries, j->out_count, err);
}

/* An input of open length ([-1], as sound) gets that of the given array's last dimension. */
static oct_status fit_length(job *j, oct_error *err)
{
    const char *name, *path;
    if (!oct_model_has_open_length(j->model))
        return OCT_OK;
    oct_model_input(j->model, 0, &j->in[0].info);
    j->in_count = 1;
    path = file_of_input(j, 0, &name);
    if (path == NULL)
        return OCT_OK; /* said when the inputs are read */
    oct_array array;
    oct_status status = oct_array_read(path, name, &array, err);
    if (status != OCT_OK)
        return status;
    int64_t length = array.rank > 0 ? array.dims[array.rank - 1] : 1;
    oct_array_free(&array);
    return length > 1 && length <= INT32_MAX ? oct_model_fix_length(j->model, (int32_t)length, err)
                                             : OCT_OK;
}

static oct_status open_session(job *j, oct_error *err)
{
    const char *kernels = cli_get(j->args, "kernels");
    oct_session_options session = { .threads = j->args->threads == 0 ? 1 : j->args->threads };
    if (kernels != NULL && strcmp(kernels, "ref") != 0 && strcmp(kernels, "fast") != 0)
        return cli_usage(j->args, err, "--kernels: '%s' is neither fast nor ref", kernels);
    session.kernels =
        kernels != NULL && strcmp(kernels, "ref") == 0 ? OCT_KERNELS_REF : OCT_KERNELS_FAST;
    cli_shapes shapes;
    oct_status status = cli_get_shapes(j->args, &shapes, err);
    if (status == OCT_OK)
        status = oct_model_load(j->args->words[0], &shapes.options, &j->model, err);
    if (status == OCT_OK)
        status = fit_length(j, err);
    if (status == OCT_OK)
        status = oct_session_create(j->model, &session, &j->session, err);
    if (status != OCT_OK)
        return status;
    j->in_count = oct_model_input_count(j->model);
    j->out_count = oct_model_output_count(j->model);
    if (j->in_count > MAX_PORTS || j->out_count > MAX_PORTS)
        return cli_usage(j->args, err, "more than %d inputs or outputs", MAX_PORTS);
    for (int32_t i = 0; i < j->in_count; i++)
        oct_model_input(j->model, i, &j->in[i].info);
    for (int32_t i = 0; i < j->out_count; i++)
        oct_model_output(j->model, i, &j->out[i].info);
    return OCT_OK;
}

static oct_status work(job *j, oct_error *err)
{
    const char *path = cli_get(j->args, "output");
    if (path == NULL)
        return cli_usage(j->args, err, "-o FILE is missing");
    oct_status status = cli_pin(j->args, err);
    if (status == OCT_OK)
        status = open_session(j, err);
    for (int32_t i = 0; status == OCT_OK && i < j->in_count; i++)
        status = read_input(j, i, err);
    for (int32_t i = 0; status == OCT_OK && i < j->out_count; i++)
        status = prepare_output(j, i, err);
    if (status == OCT_OK)
        status = run_all(j, err);
    return status == OCT_OK ? write_outputs(j, path, err) : status;
}

static oct_status run(const cli_args *args, oct_error *err)
{
    job j = { .args = args, .runs = 1 };
    oct_status status = work(&j, err);
    for (int32_t i = 0; i < MAX_PORTS; i++) {
        oct_array_free(&j.in[i].array);
        oct_array_free(&j.out[i].array);
    }
    oct_session_free(j.session);
    oct_model_free(j.model);
    return status;
}

const cli_command cli_run = {
    .name = "run",
    .words = "MODEL",
    .min_words = 1,
    .max_words = 1,
    .summary = "inference on arrays (.npy, .npz)",
    .text = "The arrays have the model's own types. An array [N, shape of the input] makes N runs "
            "and gives\n"
            "[N, shape of the output]; without the extra dimension the batch may be N.",
    .options = options,
    .examples = "  octavo run model.tflite -i x.npy -o y.npy\n"
                "  octavo run model.tflite -i image=a.npy -i mask=b.npy -o y.npz --kernels ref",
    .run = run,
};
