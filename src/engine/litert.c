/*
 * LiteRT through the C interface of libLiteRt.so, loaded at run time: a model is compiled from the
 * bytes oct_model_save() would write, and its inputs and outputs are our own memory, which LiteRT
 * uses in place when it lies on 64 bytes. Types follow LiteRT's headers litert/c/ (2.1 and later).
 *
 * The compiled model orders inputs and outputs by its signature, ours by the subgraph: LiteRT's
 * tensor handles tell which is which.
 */
#include "engine/engine.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "model/model.h"

typedef void *handle;

/* LiteRtLayout, LiteRtRankedTensorType. */
typedef struct tensor_layout {
    unsigned int rank : 7, has_strides : 1;
    int32_t dims[8];
    uint32_t strides[8];
} tensor_layout;

typedef struct tensor_type {
    int32_t element;
    tensor_layout layout;
} tensor_type;

/* LiteRtEnvOption around a LiteRtAny of an integer. */
typedef struct environment_option {
    int32_t tag;
    int32_t value_type;
    int64_t value;
} environment_option;

enum { OPTION_MIN_LOG_SEVERITY = 25, ANY_INT = 2, LOG_ERROR = 3, ACCELERATOR_CPU = 1 };
enum { HOST_MEMORY_ALIGNMENT = 64 };

/* X(result, name, arguments): all of LiteRT that is used. Results are LiteRtStatus, 0 is success. */
#define LITERT_FUNCTIONS(X)                                                                        \
    X(int, CreateEnvironment, (int, const environment_option *, handle *))                         \
    X(void, DestroyEnvironment, (handle))                                                          \
    X(int, CreateModelFromBuffer, (handle, const void *, size_t, handle *))                        \
    X(void, DestroyModel, (handle))                                                                \
    X(int, GetModelSignature, (handle, size_t, handle *))                                          \
    X(int, GetSignatureSubgraph, (handle, handle *))                                               \
    X(int, GetNumSignatureInputs, (handle, size_t *))                                              \
    X(int, GetNumSignatureOutputs, (handle, size_t *))                                             \
    X(int, GetSignatureInputTensorByIndex, (handle, size_t, handle *))                             \
    X(int, GetSignatureOutputTensorByIndex, (handle, size_t, handle *))                            \
    X(int, GetSubgraphInput, (handle, size_t, handle *))                                           \
    X(int, GetSubgraphOutput, (handle, size_t, handle *))                                          \
    X(int, GetRankedTensorType, (handle, tensor_type *))                                           \
    X(int, CreateOptions, (handle *))                                                              \
    X(void, DestroyOptions, (handle))                                                              \
    X(int, SetOptionsHardwareAccelerators, (handle, int))                                          \
    X(int, CreateOpaqueOptions, (const char *, void *, void (*)(void *), handle *))                \
    X(void, DestroyOpaqueOptions, (handle))                                                        \
    X(int, AddOpaqueOptions, (handle, handle))                                                     \
    X(int, CreateCompiledModel, (handle, handle, handle, handle *))                                \
    X(void, DestroyCompiledModel, (handle))                                                        \
    X(int, GetCompiledModelInputBufferRequirements, (handle, size_t, size_t, handle *))            \
    X(int, GetCompiledModelOutputBufferRequirements, (handle, size_t, size_t, handle *))           \
    X(int, GetCompiledModelInputTensorLayout, (handle, size_t, size_t, tensor_layout *))           \
    X(int, GetCompiledModelOutputTensorLayouts, (handle, size_t, size_t, tensor_layout *, bool))   \
    X(int, GetTensorBufferRequirementsBufferSize, (handle, size_t *))                              \
    X(int, CreateTensorBufferFromHostMemory,                                                       \
        (const tensor_type *, void *, size_t, void (*)(void *), handle *))                         \
    X(void, DestroyTensorBuffer, (handle))                                                         \
    X(int, RunCompiledModel, (handle, size_t, size_t, handle *, size_t, handle *))

typedef struct litert {
    oct_engine base;
    void *library;
    handle environment;
    pthread_mutex_t lock; /* around LiteRT's making and unmaking of models */
    struct {
#define LITERT_MEMBER(result, name, arguments) result(*name) arguments;
        LITERT_FUNCTIONS(LITERT_MEMBER)
#undef LITERT_MEMBER
    } call;
} litert;

/* One input or output, at its place in the model's own order. */
typedef struct port {
    handle buffer;
    void *memory;
    size_t size;      /* bytes of the value */
    size_t signature; /* its place in the signature */
} port;

typedef struct litert_runner {
    oct_runner base;
    litert *engine;
    void *file; /* the model's bytes, which LiteRT borrows */
    handle model, compiled;
    int32_t input_count, output_count;
    port *ports;     /* [input_count + output_count] */
    handle *buffers; /* the same in the signature's order */
} litert_runner;

const char *const oct_litert_names[] = { "litert", "litert-builtin", NULL };

static const char *kernel_mode(const char *name)
{
    return strcmp(name, "litert") == 0 ? "delegate" : "builtin";
}

/* LiteRT explains itself on stderr; its status says little more than where it stopped. */
static oct_status refuse(const litert *e, const char *what, int status, oct_error *err)
{
    return oct_fail(
        err, OCT_E_UNSUPPORTED, "%s: %s (LiteRT status %d)", e->base.name, what, status);
}

#define LITERT_TRY(e, call_, what)                                                                 \
    do {                                                                                           \
        int litert_status_ = (e)->call.call_;                                                      \
        if (litert_status_ != 0)                                                                   \
            return refuse((e), (what), litert_status_, err);                                       \
    } while (0)

/* The engine. */

static oct_status bind(litert *e, const char *path, oct_error *err)
{
    e->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (e->library == NULL)
        return oct_fail(err, OCT_E_SYSTEM,
            "%s: %s; LiteRT's library is libLiteRt.so in the PyPI wheel ai-edge-litert: name it "
            "by OCT_LITERT_LIBRARY",
            e->base.name, dlerror());
    static const char *const names[] = {
#define LITERT_NAME(result, name, arguments) "LiteRt" #name,
        LITERT_FUNCTIONS(LITERT_NAME)
#undef LITERT_NAME
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *symbol = dlsym(e->library, names[i]);
        if (symbol == NULL)
            return oct_fail(err, OCT_E_SYSTEM,
                "%s: %s has no function %s; versions 2.1 and later have it", e->base.name, path,
                names[i]);
        /* A data pointer becomes a function pointer bytewise: POSIX says they are alike. */
        memcpy((char *)&e->call + i * sizeof symbol, &symbol, sizeof symbol);
    }
    return OCT_OK;
}

static void litert_close(oct_engine *engine)
{
    litert *e = (litert *)engine;
    if (e->environment != NULL)
        e->call.DestroyEnvironment(e->environment);
    /* The library stays loaded: its worker threads and exit handlers outlive a dlclose(). */
    pthread_mutex_destroy(&e->lock);
    free(e);
}

/*
 * The CPU options travel as a small TOML text under the accelerator's name. After a failure *out may
 * be set and is the caller's all the same.
 */
static oct_status make_options(
    const litert *e, const oct_session_options *options, handle *out, oct_error *err)
{
    int32_t threads = options == NULL || options->threads < 1 ? 1 : options->threads;
    LITERT_TRY(e, CreateOptions(out), "options not accepted");
    LITERT_TRY(e, SetOptionsHardwareAccelerators(*out, ACCELERATOR_CPU), "options not accepted");
    char *text = malloc(96);
    if (text == NULL)
        return oct_fail_memory(err, 96, "LiteRT options");
    snprintf(text, 96, "kernel_mode = \"%s\"\nnum_threads = %d\n", kernel_mode(e->base.name),
        (int)threads);
    handle cpu = NULL;
    int status = e->call.CreateOpaqueOptions("xnnpack", text, free, &cpu);
    if (status != 0) {
        free(text);
        return refuse(e, "options not accepted", status, err);
    }
    status = e->call.AddOpaqueOptions(*out, cpu);
    if (status != 0) {
        e->call.DestroyOpaqueOptions(cpu);
        return refuse(e, "options not accepted", status, err);
    }
    return OCT_OK;
}

/* The runner. */

static void litert_free(oct_runner *runner)
{
    litert_runner *r = (litert_runner *)runner;
    litert *e = r->engine;
    pthread_mutex_lock(&e->lock);
    for (int32_t i = 0; r->ports != NULL && i < r->input_count + r->output_count; i++)
        if (r->ports[i].buffer != NULL)
            e->call.DestroyTensorBuffer(r->ports[i].buffer);
    if (r->compiled != NULL)
        e->call.DestroyCompiledModel(r->compiled);
    if (r->model != NULL)
        e->call.DestroyModel(r->model);
    pthread_mutex_unlock(&e->lock);
    for (int32_t i = 0; r->ports != NULL && i < r->input_count + r->output_count; i++)
        free(r->ports[i].memory);
    free(r->ports);
    free(r->buffers);
    free(r->file);
    free(r);
}

/* 64-byte aligned copy of the model file. */
static oct_status serialize(litert_runner *r, const oct_model *model, size_t *size, oct_error *err)
{
    void *bytes;
    OCT_TRY(oct_model_serialize(model, &bytes, size, err));
    size_t padded =
        (*size + HOST_MEMORY_ALIGNMENT - 1) / HOST_MEMORY_ALIGNMENT * HOST_MEMORY_ALIGNMENT;
    r->file = aligned_alloc(HOST_MEMORY_ALIGNMENT, padded);
    if (r->file != NULL)
        memcpy(r->file, bytes, *size);
    free(bytes);
    return r->file == NULL ? oct_fail_memory(err, *size, "model file") : OCT_OK;
}

static oct_status compile(
    litert_runner *r, size_t size, const oct_session_options *options, oct_error *err)
{
    litert *e = r->engine;
    handle made = NULL;
    LITERT_TRY(
        e, CreateModelFromBuffer(e->environment, r->file, size, &r->model), "model not read");
    oct_status status = make_options(e, options, &made, err);
    if (status == OCT_OK) {
        int compiled = e->call.CreateCompiledModel(e->environment, r->model, made, &r->compiled);
        if (compiled != 0)
            status = refuse(e, "model not accepted", compiled, err);
    }
    if (made != NULL)
        e->call.DestroyOptions(made);
    return status;
}

/* Where tensor `wanted` stands in the signature. */
static oct_status find_in_signature(
    const litert *e, handle signature, bool output, handle wanted, size_t *place, oct_error *err)
{
    size_t count;
    if (output)
        LITERT_TRY(e, GetNumSignatureOutputs(signature, &count), "no signature");
    else
        LITERT_TRY(e, GetNumSignatureInputs(signature, &count), "no signature");
    for (*place = 0; *place < count; ++*place) {
        handle tensor;
        if (output)
            LITERT_TRY(e, GetSignatureOutputTensorByIndex(signature, *place, &tensor),
                "output not described");
        else
            LITERT_TRY(e, GetSignatureInputTensorByIndex(signature, *place, &tensor),
                "input not described");
        if (tensor == wanted)
            return OCT_OK;
    }
    return oct_fail(err, OCT_E_UNSUPPORTED,
        "%s: the model's first signature does not have every input and output", e->base.name);
}

static oct_status read_layout(
    const litert_runner *r, bool output, size_t place, tensor_layout *layout, oct_error *err)
{
    const litert *e = r->engine;
    if (!output) {
        LITERT_TRY(e, GetCompiledModelInputTensorLayout(r->compiled, 0, place, layout),
            "input not described");
        return OCT_OK;
    }
    tensor_layout *all = calloc((size_t)r->output_count, sizeof *all);
    if (all == NULL)
        return oct_fail_memory(err, (size_t)r->output_count * sizeof *all, "layouts");
    int status = e->call.GetCompiledModelOutputTensorLayouts(
        r->compiled, 0, (size_t)r->output_count, all, true);
    if (status == 0)
        *layout = all[place];
    free(all);
    return status == 0 ? OCT_OK : refuse(e, "output not described", status, err);
}

static oct_status open_port(litert_runner *r, bool output, int32_t index, port *p, oct_error *err)
{
    const litert *e = r->engine;
    handle signature, subgraph, tensor, needs;
    tensor_type type;
    size_t room;
    LITERT_TRY(e, GetModelSignature(r->model, 0, &signature), "no signature");
    LITERT_TRY(e, GetSignatureSubgraph(signature, &subgraph), "no signature");
    if (output) {
        LITERT_TRY(e, GetSubgraphOutput(subgraph, (size_t)index, &tensor), "output not described");
        OCT_TRY(find_in_signature(e, signature, true, tensor, &p->signature, err));
        LITERT_TRY(e,
            GetCompiledModelOutputBufferRequirements(r->compiled, 0, p->signature, &needs),
            "output not described");
    } else {
        LITERT_TRY(e, GetSubgraphInput(subgraph, (size_t)index, &tensor), "input not described");
        OCT_TRY(find_in_signature(e, signature, false, tensor, &p->signature, err));
        LITERT_TRY(e, GetCompiledModelInputBufferRequirements(r->compiled, 0, p->signature, &needs),
            "input not described");
    }
    LITERT_TRY(e, GetRankedTensorType(tensor, &type), "tensor type not described");
    OCT_TRY(read_layout(r, output, p->signature, &type.layout, err));
    LITERT_TRY(e, GetTensorBufferRequirementsBufferSize(needs, &p->size), "buffer size not told");
    room = (p->size + HOST_MEMORY_ALIGNMENT) / HOST_MEMORY_ALIGNMENT * HOST_MEMORY_ALIGNMENT;
    p->memory = aligned_alloc(HOST_MEMORY_ALIGNMENT, room);
    if (p->memory == NULL)
        return oct_fail_memory(err, room, "LiteRT buffer");
    memset(p->memory, 0, room);
    LITERT_TRY(e, CreateTensorBufferFromHostMemory(&type, p->memory, p->size, NULL, &p->buffer),
        "buffer not accepted");
    r->buffers[(output ? (size_t)r->input_count : 0) + p->signature] = p->buffer;
    return OCT_OK;
}

static oct_status open_ports(litert_runner *r, const oct_model *model, oct_error *err)
{
    r->input_count = oct_model_input_count(model);
    r->output_count = oct_model_output_count(model);
    size_t count = (size_t)r->input_count + (size_t)r->output_count;
    r->ports = calloc(count + 1, sizeof *r->ports);
    r->buffers = calloc(count + 1, sizeof *r->buffers);
    if (r->ports == NULL || r->buffers == NULL)
        return oct_fail_memory(err, count * sizeof *r->ports, "LiteRT buffers");
    for (int32_t i = 0; i < r->input_count; i++)
        OCT_TRY(open_port(r, false, i, &r->ports[i], err));
    for (int32_t i = 0; i < r->output_count; i++)
        OCT_TRY(open_port(r, true, i, &r->ports[r->input_count + i], err));
    return OCT_OK;
}

static oct_status litert_create(const oct_engine *engine, const oct_model *model,
    const oct_session_options *options, oct_runner **out, oct_error *err)
{
    *out = NULL;
    if (options != NULL && options->batch > 1)
        return oct_fail(err, OCT_E_UNSUPPORTED, "%s: batch %d; LiteRT runs models as they are",
            engine->name, (int)options->batch);
    litert_runner *r = calloc(1, sizeof *r);
    if (r == NULL)
        return oct_fail_memory(err, sizeof *r, "runner");
    r->base.methods = engine->methods;
    r->engine = (litert *)(uintptr_t)engine; /* its lock is the part that changes */
    size_t size;
    oct_status status = serialize(r, model, &size, err);
    pthread_mutex_lock(&r->engine->lock);
    if (status == OCT_OK)
        status = compile(r, size, options, err);
    if (status == OCT_OK)
        status = open_ports(r, model, err);
    pthread_mutex_unlock(&r->engine->lock);
    if (status != OCT_OK) {
        litert_free(&r->base);
        return status;
    }
    *out = &r->base;
    return OCT_OK;
}

static void *litert_input(oct_runner *runner, int32_t index, size_t *size)
{
    const port *p = &((litert_runner *)runner)->ports[index];
    *size = p->size;
    return p->memory;
}

static const void *litert_output(const oct_runner *runner, int32_t index, size_t *size)
{
    const litert_runner *r = (const litert_runner *)runner;
    const port *p = &r->ports[r->input_count + index];
    *size = p->size;
    return p->memory;
}

static oct_status litert_run(oct_runner *runner, oct_error *err)
{
    litert_runner *r = (litert_runner *)runner;
    LITERT_TRY(r->engine,
        RunCompiledModel(r->compiled, 0, (size_t)r->input_count, r->buffers,
            (size_t)r->output_count, r->buffers + r->input_count),
        "run failed");
    return OCT_OK;
}

static const oct_engine_methods litert_methods = {
    .create = litert_create,
    .free = litert_free,
    .input = litert_input,
    .output = litert_output,
    .run = litert_run,
    .close = litert_close,
};

oct_status oct_litert_open(const char *name, const char *library, oct_engine **out, oct_error *err)
{
    *out = NULL;
    const char *path = library != NULL ? library : getenv("OCT_LITERT_LIBRARY");
    litert *e = calloc(1, sizeof *e);
    if (e == NULL)
        return oct_fail_memory(err, sizeof *e, "engine");
    e->base = (oct_engine){ &litert_methods, name };
    pthread_mutex_init(&e->lock, NULL);
    oct_status status = bind(e, path == NULL || *path == '\0' ? "libLiteRt.so" : path, err);
    if (status == OCT_OK) {
        const environment_option quiet = { OPTION_MIN_LOG_SEVERITY, ANY_INT, LOG_ERROR };
        int made = e->call.CreateEnvironment(1, &quiet, &e->environment);
        if (made != 0)
            status = refuse(e, "no environment", made, err);
    }
    if (status != OCT_OK) {
        litert_close(&e->base);
        return status;
    }
    *out = &e->base;
    return OCT_OK;
}
