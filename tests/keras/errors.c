/*
 * What users meet when a model cannot be imported: status and sentence of every refusal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "keras/keras.h"
#include "keras/tiny.h"

static void expect(oct_backing *backing, const oct_load_options *options, oct_status status,
    const char *text)
{
    oct_error err = { 0 };
    oct_graph *graph = (oct_graph *)&err;
    oct_status got = oct_keras_read(backing, options, &graph, &err);
    oct_backing_release(backing);
    assert_null(graph);
    if (got != status || err.status != status || strcmp(err.text, text) != 0)
        fail_msg("status %d, wanted %d\n  got    %s\n  wanted %s", got, status, err.text, text);
}

#define TENSOR "{\"class_name\":\"__keras_tensor__\",\"config\":{\"keras_history\":[\"x\",0,0]}}"
/* A functional model: layer l is called with [x, x] and these keywords. */
#define CALLED_TWICE(class_name, keywords)                                                         \
    "{\"class_name\":\"Functional\",\"config\":{\"name\":\"f\",\"layers\":[{\"class_name\":"            \
    "\"InputLayer\",\"name\":\"x\",\"config\":{\"batch_shape\":[null,4]},\"inbound_nodes\":[]},{"       \
    "\"module\":\"keras.layers\",\"class_name\":\"" class_name "\",\"name\":\"l\","                   \
    "\"config\":{\"use_scale\":false},"                                                             \
    "\"inbound_nodes\":[{\"args\":[[" TENSOR "," TENSOR "]],\"kwargs\":{" keywords "}}]}],"            \
    "\"input_layers\":[\"x\",0,0],\"output_layers\":[\"l\",0,0]}}"

static const struct {
    const char *config;
    oct_status status;
    const char *text;
} configs[] = {
    { SEQUENTIAL(INPUT "," LAYER("Lambda", "\"function\":{}")), OCT_E_UNSUPPORTED,
        "layer 'l' is a Lambda: its Python code cannot be imported; replace it by a Keras layer "
        "or keras.ops and save again" },
    { SEQUENTIAL(INPUT "," LAYER("Lambda", "\"function\":[\"\\u0000c\"]")), OCT_E_UNSUPPORTED,
        "layer 'l' is a Lambda: its Python code cannot be imported; replace it by a Keras layer "
        "or keras.ops and save again" },
    { SEQUENTIAL(INPUT "," LAYER("Hashing", "\"num_bins\":2")), OCT_E_UNSUPPORTED,
        "layer 'l' (Hashing) looks words or keys up, which TensorFlow Lite has no operators for; do it "
        "before the model and save the part behind it" },
    { SEQUENTIAL("{\"class_name\":\"InputLayer\",\"config\":{\"batch_shape\":[null,1],\"name\":"
                 "\"words\",\"dtype\":\"string\"}}," LAYER("TextVectorization", "\"split\":null")),
        OCT_E_UNSUPPORTED,
        "input 'words' is of the type string; look words up before the model and save the part that "
        "takes numbers" },
    { SEQUENTIAL(INPUT "," LAYER("ConvLSTM3D", "\"filters\":2")), OCT_E_UNSUPPORTED,
        "layer 'l': the layer class ConvLSTM3D is not supported" },
    { SEQUENTIAL(INPUT "," LAYER("Bidirectional", "\"layer\":{\"class_name\":\"ConvLSTM3D\"}")),
        OCT_E_UNSUPPORTED,
        "layer 'l' (Bidirectional): wraps the class 'ConvLSTM3D', which is not supported in it" },
    { SEQUENTIAL(INPUT "," LAYER("Bidirectional",
                     "\"layer\":{\"class_name\":\"ReLU\",\"config\":{}}")),
        OCT_E_UNSUPPORTED, "layer 'l' (Bidirectional): wraps a layer that is not recurrent" },
    { SEQUENTIAL(INPUT "," LAYER("TimeDistributed",
                     "\"layer\":{\"class_name\":\"ReLU\",\"config\":{}}")),
        OCT_E_INVALID,
        "layer 'l' (TimeDistributed): expected one input of rank 3 or more, found rank 2" },
    { SEQUENTIAL(INPUT ",{\"module\":null,\"class_name\":\"Dense\",\"registered_name\":\"pk>Dense\","
                       "\"config\":{\"name\":\"mine\",\"trainable\":true}}"),
        OCT_E_UNSUPPORTED,
        "layer 'mine': 'Dense' is a custom layer or not supported (module not named in the file, "
        "registered as pk>Dense); octavo/layer.h tells how to register it" },
    { SEQUENTIAL(INPUT ",{\"module\":\"mine.layers\",\"class_name\":\"Dense\",\"config\":{\"name\":"
                       "\"mine\"}}"),
        OCT_E_UNSUPPORTED,
        "layer 'mine': 'Dense' is a custom layer or not supported (module mine.layers, "
        "registered as nothing); octavo/layer.h tells how to register it" },
    { SEQUENTIAL(INPUT ",{\"module\":\"keras.src.ops.numpy\",\"class_name\":\"Fmod\",\"config\":"
                       "{\"name\":\"fmod\"}}"),
        OCT_E_UNSUPPORTED,
        "layer 'fmod': the operation Fmod (keras.src.ops.numpy) is not supported" },
    { SEQUENTIAL(INPUT "," LAYER("TFOpLambda", "\"function\":\"math.foo\"")), OCT_E_UNSUPPORTED,
        "layer 'l' calls the TensorFlow function 'math.foo', which is not supported" },
    { SEQUENTIAL(INPUT "," LAYER("TimeDistributed", "\"layer\":{\"class_name\":\"Bidirectional\"}")),
        OCT_E_UNSUPPORTED,
        "layer 'l' (TimeDistributed): wraps the class 'Bidirectional', which is not supported in it" },
    { SEQUENTIAL(INPUT "," LAYER("Reshape", "\"target_shape\":[2,2,1]") ","
                 LAYER("MaxPooling2D", "\"activation\":\"softmax\","
                                       "\"data_format\":\"channels_first\"")),
        OCT_E_UNSUPPORTED,
        "layer 'l' (MaxPooling2D): has its channels first and the activation 'softmax'" },
    { CALLED_TWICE("Softmax", "\"mask\":" TENSOR), OCT_E_UNSUPPORTED,
        "layer 'l' (Softmax): runs under a mask, which is not supported" },
    { CALLED_TWICE("Attention", "\"training\":false"), OCT_E_INVALID,
        "layer 'l' (Attention): expected an input of rank 3, found rank 2" },
    { "{\"class_name\":\"Net\",\"config\":{}}", OCT_E_UNSUPPORTED,
        "the model is of the class 'Net'; only functional and sequential models can be imported: "
        "build it with keras.Model(inputs, outputs) and save again" },
    { "{\"class_name\":\"Model\",\"config\":{\"name\":\"net\"}}", OCT_E_UNSUPPORTED,
        "model 'net' has no list of layers: a subclassed model is Python code and cannot be "
        "imported; build it with keras.Model(inputs, outputs) and save again" },
    { "[1, 2", OCT_E_INVALID,
        "config.json: the configuration is not JSON: line 1, column 5: ']' expected near end of "
        "file" },
    { "[]", OCT_E_INVALID, "the configuration does not describe a model" },
    { SEQUENTIAL(LAYER("Dense", "\"units\":3")), OCT_E_INVALID,
        "layer 'l' (Dense): the weights at layers/dense belong to the layer 'hidden'; "
        "configuration and weights are not of the same model" },
    { SEQUENTIAL("{\"class_name\":\"ReLU\",\"config\":{\"name\":\"l\"}}"), OCT_E_INVALID,
        "model 'm' was never built: the file does not say the shape of its input" },
    { SEQUENTIAL(INPUT ",{\"class_name\":\"Dense\",\"config\":{\"name\":\"hidden\",\"units\":5}}"),
        OCT_E_INVALID,
        "layer 'hidden' (Dense): kernel: expected the shape [4,5], found [4,3]" },
    { SEQUENTIAL(INPUT "," LAYER("Conv2D", "\"filters\":5")), OCT_E_INVALID,
        "layer 'l' (Conv2D): its kernel is missing: no array at layers/conv2d/vars/0" },
    { SEQUENTIAL(INPUT "," LAYER("MaxPooling2D", "\"pool_size\":[2,2]")), OCT_E_INVALID,
        "layer 'l' (MaxPooling2D): expected an input of rank 4, found rank 2" },
    { SEQUENTIAL(INPUT "," LAYER("Activation", "\"activation\":\"snake\"")), OCT_E_UNSUPPORTED,
        "layer 'l' (Activation): the activation 'snake' is not supported" },
    { SEQUENTIAL(INPUT "," LAYER("Activation", "\"activation\":{\"module\":\"builtins\","
                                               "\"class_name\":\"function\",\"config\":\"pk>act\"}")),
        OCT_E_UNSUPPORTED,
        "layer 'l' (Activation): its activation 'pk>act' is a custom function; its Python code "
        "cannot be imported" },
    { SEQUENTIAL(INPUT "," LAYER("Activation", "\"activation\":{\"class_name\":\"__lambda__\"}")),
        OCT_E_UNSUPPORTED,
        "layer 'l' (Activation): its activation is a Python lambda, which cannot be imported; "
        "name a Keras activation and save again" },
    { SEQUENTIAL(INPUT "," LAYER("Reshape", "\"target_shape\":[3,2]")), OCT_E_INVALID,
        "layer 'l' (Reshape): cannot give 4 elements a shape of 6" },
    { SEQUENTIAL(INPUT "," LAYER("RepeatVector", "\"n\":2147483647")), OCT_E_INVALID,
        "layer 'l' (RepeatVector): its output would have over 1073741824 elements" },
    { SEQUENTIAL(INPUT "," LAYER("RepeatVector", "\"n\":0")), OCT_E_INVALID,
        "layer 'l' (RepeatVector): n is 0; at least 1 is possible" },
    { SEQUENTIAL(INPUT "," LAYER("Softmax", "\"axis\":2")), OCT_E_INVALID,
        "layer 'l' (Softmax): axis 2 of a tensor of rank 2" },
    { SEQUENTIAL(INPUT "," OPERATION("Split", "\"indices_or_sections\":3,\"axis\":1")), OCT_E_INVALID,
        "layer 'l' (Split): splits 4 elements into 3 parts" },
    { SEQUENTIAL(INPUT "," OPERATION("Split", "\"indices_or_sections\":[1],\"axis\":0")),
        OCT_E_UNSUPPORTED, "layer 'l' (Split): splits axis 0, whose size is open" },
    { SEQUENTIAL(INPUT "," OPERATION("Repeat", "\"repeats\":2")), OCT_E_UNSUPPORTED,
        "layer 'l' (Repeat): without an axis; give the axis" },
    { SEQUENTIAL(INPUT "," OPERATION("TopK", "\"k\":5")), OCT_E_INVALID,
        "layer 'l' (TopK): the largest 5 of fewer elements" },
    { SEQUENTIAL(INPUT "," LAYER("Dense", "\"dtype\":{\"class_name\":\"QuantizedDTypePolicy\"}")),
        OCT_E_UNSUPPORTED, "layer 'l' has the dtype policy QuantizedDTypePolicy: its weights are quantized already; save the float "
        "model, which octavo can quantize" },
    { "{\"class_name\":\"Functional\",\"config\":{\"name\":\"f\",\"layers\":[{\"class_name\":"
      "\"InputLayer\",\"name\":\"x\",\"config\":{\"batch_shape\":[null,4]},\"inbound_nodes\":[]},"
      "{\"class_name\":\"ReLU\",\"name\":\"r\",\"config\":{\"trainable\":true},\"inbound_nodes\":"
      "[{\"args\":[{\"class_name\":\"__keras_tensor__\",\"config\":{\"keras_history\":[\"r\",0,0]}}],"
      "\"kwargs\":{}}]}],\"input_layers\":[\"x\",0,0],\"output_layers\":[\"r\",0,0]}}",
        OCT_E_INVALID, "layer 'r' depends on its own output" },
    { "{\"class_name\":\"Functional\",\"config\":{\"name\":\"f\",\"layers\":[{\"class_name\":"
      "\"InputLayer\",\"name\":\"x\",\"config\":{\"batch_shape\":[null,4]},\"inbound_nodes\":[]}],"
      "\"input_layers\":[\"x\",0,0],\"output_layers\":[\"z\",0,0]}}",
        OCT_E_INVALID, "model 'f': outputs refer to no layer of the model" },
};

static void configurations_are_refused_with_reasons(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++)
        expect(with_config(configs[i].config, "{\"keras_version\":\"3.3.3\"}"), NULL,
            configs[i].status, configs[i].text);
}

static void files_are_refused_with_reasons(void **state)
{
    static const struct { const char *file; oct_status status; const char *text; } files[] = {
        { "weights3.weights.h5", OCT_E_INVALID,
            "weights without architecture (saved by save_weights); save the whole model with "
            "model.save()" },
        { "weights2.h5", OCT_E_INVALID,
            "weights without architecture (saved by save_weights); save the whole model with "
            "model.save()" },
        { "bad_latest.h5", OCT_E_UNSUPPORTED,
            "HDF5 superblock version 3: the file was written with libver='latest'; write it "
            "again with h5py's default libver='earliest'" },
        { "bad_compressed.h5", OCT_E_UNSUPPORTED,
            "tiny/hidden/kernel: is compressed; only plain arrays are read" },
        { "bad_chunked.h5", OCT_E_UNSUPPORTED,
            "tiny/hidden/kernel: data stored in chunks or by a newer format; only contiguous "
            "arrays are read" },
        { "bad_external.h5", OCT_E_UNSUPPORTED,
            "tiny/hidden/kernel: is stored in another file" },
        { "bad_link.h5", OCT_E_UNSUPPORTED,
            "tiny/hidden/kernel: is a soft link; links are not followed" },
        { "bad_missing.h5", OCT_E_INVALID,
            "layer 'head' (Dense): the array tiny/head/kernel is missing" },
        { "bad_shape.h5", OCT_E_INVALID,
            "layer 'hidden' (Dense): kernel: expected the shape [4,3], found [3,3]" },
        { "refused_einsum.keras", OCT_E_UNSUPPORTED,
            "layer 'mixes' (EinsumDense): the equation 'abc,bd->adc' is not one matrix over the last "
            "axes" },
        { "refused_stateful.keras", OCT_E_UNSUPPORTED,
            "layer 'kept' (GRU): keeps its state from call to call (stateful), which only an LSTM with a "
            "fixed batch, tanh, sigmoid and no mask can; give the states as inputs (initial_state) and "
            "take them as outputs (return_state)" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        expect(load_copy(files[i].file), NULL, files[i].status, files[i].text);
}

static oct_backing *cut(const char *file, size_t size)
{
    oct_backing *whole = load_copy(file), *piece = oct_backing_create(size);
    memcpy(oct_backing_bytes(piece), oct_backing_bytes(whole), size);
    oct_backing_release(whole);
    return piece;
}

static void damaged_containers_are_refused(void **state)
{
    (void)state;
    expect(cut("tiny.h5", 4), NULL, OCT_E_INVALID, "neither a .keras archive nor an HDF5 file");
    expect(cut("tiny.h5", 60), NULL, OCT_E_INVALID,
        "HDF5 superblock is cut short (at byte 60)");
    expect(cut("tiny.keras", 400), NULL, OCT_E_INVALID,
        "the archive is truncated: it has no directory (at byte 400)");
    oct_backing *flipped = load_copy("tiny.keras");
    unsigned char *config = memmem(oct_backing_bytes(flipped), oct_backing_size(flipped),
        "\"Sequential\"", 12);
    assert_non_null(config);
    config[1] = 's';
    expect(flipped, NULL, OCT_E_INVALID,
        "config.json: its checksum does not fit, the file is damaged");
    const part parts[] = { { "model.weights.h5", "", 0 } };
    expect(make_archive(parts, 1), NULL, OCT_E_INVALID,
        "the archive has no config.json: not a Keras model, or only its weights");
    const part no_weights[] = { { "config.json", "{}", 2 } };
    expect(make_archive(no_weights, 1), NULL, OCT_E_INVALID,
        "the archive has no model.weights.h5");
}

static void shapes_that_do_not_fit_are_usage_errors(void **state)
{
    oct_input_shape shape = { .name = "x", .rank = 2, .dims = { 1, 5 } };
    oct_load_options options = { .shapes = &shape, .shape_count = 1 };
    (void)state;
    expect(load_copy("tiny.keras"), &options, OCT_E_USAGE,
        "input 'x': dimension 1 is 4 in the model, 5 in the given shape");
    shape.rank = 1;
    expect(load_copy("tiny.keras"), &options, OCT_E_USAGE,
        "input 'x' has 2 dimensions, the given shape has 1");
    shape.name = "y";
    expect(load_copy("tiny.keras"), &options, OCT_E_USAGE, "the model has no input 'y'");
    shape.name = NULL;
    expect(load_copy("keras3_merge.keras"), &options, OCT_E_USAGE,
        "the model has 3 inputs: give the shape as NAME=...");
}

/* Each model calls the one inside twice: 2^20 calls from a few kilobytes. */
static void exponential_models_are_refused(void **state)
{
    static char text[1 << 16], inner[1 << 15];
    const char *call = "{\"args\":[{\"class_name\":\"__keras_tensor__\",\"config\":{\"keras_history\":"
                       "[\"%s\",%d,0]}}],\"kwargs\":{}}";
    char first[256], second[256];
    snprintf(first, sizeof first, call, "x", 0);
    snprintf(second, sizeof second, call, "m", 0);
    snprintf(inner, sizeof inner, SEQUENTIAL("%s,%s"), INPUT, LAYER("ReLU", "\"trainable\":true"));
    inner[strlen(inner) - 1] = 0;
    (void)state;
    for (int depth = 0; depth < 20; depth++) {
        snprintf(text, sizeof text,
            "{\"class_name\":\"Functional\",\"config\":{\"name\":\"f\",\"layers\":[{\"class_name\":"
            "\"InputLayer\",\"name\":\"x\",\"config\":{\"batch_shape\":[null,4]},\"inbound_nodes\":[]},"
            "%s,\"name\":\"m\",\"inbound_nodes\":[%s,%s]}],\"input_layers\":[\"x\",0,0],"
            "\"output_layers\":[\"m\",%d,0]}",
            inner, first, second, depth == 0 ? 1 : 2);
        assert_true(strlen(text) < sizeof inner);
        memcpy(inner, text, strlen(text) + 1);
    }
    strcat(text, "}");
    expect(with_config(text, "{\"keras_version\":\"3.3.3\"}"), NULL, OCT_E_UNSUPPORTED,
        "the model has more than 65536 layer calls");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configurations_are_refused_with_reasons),
        cmocka_unit_test(files_are_refused_with_reasons),
        cmocka_unit_test(damaged_containers_are_refused),
        cmocka_unit_test(shapes_that_do_not_fit_are_usage_errors),
        cmocka_unit_test(exponential_models_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
