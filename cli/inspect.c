/*
 * octavo inspect: what a model holds, as a text view of its JSON description.
 */
#include "command.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    CLI_SHAPE_OPTIONS,
    { 0 },
};

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

/* "float32[1,224,224,3]" */
static void print_type(const json_t *object)
{
    size_t i;
    const json_t *dim, *shape = json_object_get(object, "shape_signature");
    if (shape == NULL)
        shape = json_object_get(object, "shape");
    printf("%s[", text_of(object, "type"));
    json_array_foreach (shape, i, dim)
        printf(i == 0 ? "%lld" : ",%lld", (long long)json_integer_value(dim));
    putchar(']');
}

/* " scale 0.0235 zero point -128" or " 96 scales on axis 0" */
static void print_quantization(const json_t *quant)
{
    const json_t *scale = json_object_get(quant, "scale");
    long long count = json_integer_value(json_object_get(quant, "count"));
    if (quant == NULL || count == 0)
        return;
    if (count > 1)
        printf("  %lld scales on axis %lld", count,
            (long long)json_integer_value(json_object_get(quant, "axis")));
    else
        printf("  scale %.9g zero point %lld", json_number_value(json_array_get(scale, 0)),
            (long long)json_integer_value(json_array_get(json_object_get(quant, "zero_point"), 0)));
}

static void print_ports(const json_t *ports, const char *what)
{
    size_t i;
    const json_t *port;
    json_array_foreach (ports, i, port) {
        printf("%-8s %s  ", what, text_of(port, "name"));
        print_type(port);
        if (json_object_get(port, "scale") != NULL)
            printf("  scale %.9g zero point %lld",
                json_number_value(json_object_get(port, "scale")),
                (long long)json_integer_value(json_object_get(port, "zero_point")));
        putchar('\n');
    }
}

static const json_t *find_tensor(const json_t *tensors, const json_t *name)
{
    size_t i;
    const json_t *tensor;
    json_array_foreach (tensors, i, tensor)
        if (json_equal(json_object_get(tensor, "name"), name))
            return tensor;
    return NULL;
}

static void print_operator(const json_t *node, const json_t *tensors)
{
    printf("%4lld %s v%lld\n", (long long)json_integer_value(json_object_get(node, "index")),
        text_of(node, "name"), (long long)json_integer_value(json_object_get(node, "version")));
    static const char *const sides[] = { "inputs", "outputs" };
    for (int side = 0; side < 2; side++) {
        size_t i;
        const json_t *name;
        json_array_foreach (json_object_get(node, sides[side]), i, name) {
            const json_t *tensor = find_tensor(tensors, name);
            if (tensor == NULL)
                continue;
            printf("     %s %s  ", side == 0 ? "<-" : "->", json_string_value(name));
            print_type(tensor);
            print_quantization(json_object_get(tensor, "quantization"));
            const json_t *bytes = json_object_get(tensor, "constant_bytes");
            if (bytes != NULL)
                printf("  constant, %lld B", (long long)json_integer_value(bytes));
            putchar('\n');
        }
    }
}

/* "CONV_2D 35, ADD 10" */
static void print_census(const json_t *nodes)
{
    size_t i;
    const json_t *node;
    json_t *counts = json_object();
    json_array_foreach (nodes, i, node) {
        const char *name = text_of(node, "name");
        json_int_t count = json_integer_value(json_object_get(counts, name));
        json_object_set_new(counts, name, json_integer(count + 1));
    }
    const char *name, *between = "";
    json_t *count;
    printf("%zu operators: ", json_array_size(nodes));
    json_object_foreach (counts, name, count) {
        printf("%s%s %lld", between, name, (long long)json_integer_value(count));
        between = ", ";
    }
    putchar('\n');
    json_decref(counts);
}

static void print_ledger(json_t *ledger)
{
    const char *cause;
    json_t *bytes;
    double total = json_number_value(json_object_get(ledger, "total"));
    json_object_foreach (ledger, cause, bytes)
        printf("%12lld B %5.1f %%  %s\n", (long long)json_integer_value(bytes),
            total > 0 ? 100 * json_number_value(bytes) / total : 0, cause);
}

static oct_status print_text(const cli_args *args, json_t *model, oct_error *err)
{
    size_t i, n;
    const json_t *subgraph, *node, *entry;
    print_ports(json_object_get(model, "inputs"), "input");
    print_ports(json_object_get(model, "outputs"), "output");
    json_array_foreach (json_object_get(model, "signatures"), i, entry)
        printf("%-8s %s\n", "signature", text_of(entry, "key"));
    json_array_foreach (json_object_get(model, "metadata"), i, entry)
        printf("%-8s %s, %lld B\n", "metadata", text_of(entry, "name"),
            (long long)json_integer_value(json_object_get(entry, "bytes")));
    json_array_foreach (json_object_get(model, "subgraphs"), i, subgraph) {
        const json_t *nodes = json_object_get(subgraph, "operators");
        printf("\nsubgraph %zu %s, ", i, text_of(subgraph, "name"));
        print_census(nodes);
        if (args->quiet)
            continue;
        json_array_foreach (nodes, n, node)
            print_operator(node, json_object_get(subgraph, "tensors"));
    }
    printf("\nbytes as written:\n");
    print_ledger(json_object_get(model, "ledger"));
    return cli_print_text("", err);
}

static oct_status print_description(const cli_args *args, const oct_model *model, oct_error *err)
{
    char *text;
    oct_status status = oct_model_describe(model, &text, err);
    if (status != OCT_OK)
        return status;
    if (args->json) {
        status = cli_print_text(text, err);
    } else {
        json_t *object = json_loads(text, 0, NULL);
        status = print_text(args, object, err);
        json_decref(object);
    }
    free(text);
    return status;
}

static oct_status run(const cli_args *args, oct_error *err)
{
    cli_shapes shapes;
    oct_model *model;
    oct_status status = cli_get_shapes(args, &shapes, err);
    if (status == OCT_OK)
        status = oct_model_load(args->words[0], &shapes.options, &model, err);
    if (status != OCT_OK)
        return status;
    status = print_description(args, model, err);
    oct_model_free(model);
    return status;
}

const cli_command cli_inspect = {
    .name = "inspect",
    .words = "MODEL",
    .min_words = 1,
    .max_words = 1,
    .summary = "graph, tensors, quantization, and where the bytes go",
    .text = "Keras models are shown as they would be converted. With --quiet operators are only counted.",
    .options = options,
    .examples = "  octavo inspect model.tflite\n"
                "  octavo inspect model.keras --json | jq '.subgraphs[0].operators[].name'",
    .run = run,
};
