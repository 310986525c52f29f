/*
 * A Keras layer of your own: what the class Gate means, y = x * sigmoid(sharpness * x * weight), with
 * one weight a channel. Its Python code is never run.
 *
 * usage: custom_layer MODEL OUT.tflite
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <octavo/octavo.h>

/* "sharpness" of the configuration, which is JSON: {"name":"gate","sharpness":1.5,...}. */
static float read_sharpness(const char *config)
{
    static const char key[] = "\"sharpness\":";
    const char *at = strstr(config, key);
    return at == NULL ? 1.0f : strtof(at + sizeof key - 1, NULL);
}

/* Shapes are broadcast as in NumPy, and every result here has the shape of x. */
static oct_status lower_gate(oct_layer *layer, void *user, oct_error *err)
{
    int32_t x = oct_layer_input(layer, 0), weight, sharpness, gate, y;
    float value = read_sharpness(oct_layer_config(layer));
    (void)user;
    oct_status status = oct_layer_weight(layer, 0, &weight, err);
    if (status == OCT_OK)
        status = oct_layer_constant(layer, 0, NULL, &value, &sharpness, err);
    if (status == OCT_OK)
        status = oct_layer_emit(layer, "MUL", (int32_t[]){ x, weight }, 2, 0, NULL, &gate, err);
    if (status == OCT_OK)
        status = oct_layer_emit(layer, "MUL", (int32_t[]){ gate, sharpness }, 2, 0, NULL, &gate, err);
    if (status == OCT_OK)
        status = oct_layer_emit(layer, "LOGISTIC", &gate, 1, 0, NULL, &gate, err);
    if (status == OCT_OK)
        status = oct_layer_emit(layer, "MUL", (int32_t[]){ x, gate }, 2, 0, NULL, &y, err);
    return status == OCT_OK ? oct_layer_return(layer, &y, 1, err) : status;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s MODEL OUT.tflite\n", argv[0]);
        return oct_status_exit_code(OCT_E_USAGE);
    }
    const oct_layer_class classes[] = { { "mine>Gate", lower_gate, NULL }, { "Gate", lower_gate, NULL } };
    oct_load_options options = { .layers = classes, .layer_count = 2 };
    oct_error err = { 0 };
    oct_model *model = NULL;
    size_t bytes;
    oct_status status = oct_model_load(argv[1], &options, &model, &err);
    if (status == OCT_OK)
        status = oct_model_save(model, argv[2], &bytes, &err);
    if (status == OCT_OK)
        printf("%s: %zu bytes\n", argv[2], bytes);
    else
        fprintf(stderr, "%s\n", err.text);
    oct_model_free(model);
    return oct_status_exit_code(status);
}
