/*
 * The library in a page: load a model, quantize it to int8 with your own samples, save it.
 *
 * usage: quantize MODEL OUT.tflite SAMPLES.npy
 * SAMPLES.npy holds float32 [count, the shape of the model's input without batch].
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <octavo/octavo.h>

/* The samples are one array; sample i is a slice of it, if the slices fit the model's input. */
static oct_status read_sample(
    void *user, int64_t index, int32_t input, void *bytes, size_t size, oct_error *err)
{
    const oct_array *array = user;
    size_t sample_size = array->size / (size_t)array->dims[0];
    if (input != 0 || size != sample_size) {
        snprintf(err->text, sizeof err->text, "a sample has %zu bytes, input %" PRId32 " %zu",
            sample_size, input, size);
        return err->status = OCT_E_INVALID;
    }
    memcpy(bytes, (const char *)array->bytes + (size_t)index * size, size);
    return OCT_OK;
}

static oct_status quantize(char **argv, oct_array *array, oct_error *err)
{
    oct_model *model = NULL, *quantized = NULL;
    oct_samples samples = { array, array->dims[0], read_sample };
    oct_quant_options options = { .mode = OCT_MODE_INT8, .calib = &samples };
    size_t bytes;
    oct_status status = oct_model_load(argv[1], NULL, &model, err);
    if (status == OCT_OK)
        status = oct_quantize(model, &options, &quantized, NULL, err);
    if (status == OCT_OK)
        status = oct_model_save(quantized, argv[2], &bytes, err);
    if (status == OCT_OK)
        printf("%s: %zu bytes\n", argv[2], bytes);
    oct_model_free(quantized);
    oct_model_free(model);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s MODEL OUT.tflite SAMPLES.npy\n", argv[0]);
        return oct_status_exit_code(OCT_E_USAGE);
    }
    oct_error err = { 0 };
    oct_array array = { 0 };
    oct_status status = oct_array_read(argv[3], NULL, &array, &err);
    if (status == OCT_OK && (strcmp(array.type, "float32") != 0 || array.rank == 0 || array.size == 0)) {
        fprintf(stderr, "%s: samples as float32 [count, ...] are needed\n", argv[3]);
        status = OCT_E_INVALID;
    } else if (status == OCT_OK) {
        status = quantize(argv, &array, &err);
    }
    oct_array_free(&array);
    if (err.text[0] != '\0')
        fprintf(stderr, "%s\n", err.text);
    return oct_status_exit_code(status);
}
