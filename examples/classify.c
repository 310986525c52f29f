/*
 * Running a .tflite without TensorFlow: the answer of a float classifier for one array.
 *
 * usage: classify MODEL.tflite X.npy
 */
#include <stdio.h>
#include <string.h>

#include <octavo/octavo.h>

static void print_largest(const float *scores, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (scores[i] > scores[best])
            best = i;
    printf("class %zu, score %.4f\n", best, scores[best]);
}

static oct_status classify(const oct_model *model, const oct_array *x, oct_error *err)
{
    oct_session *session;
    size_t size;
    oct_status status = oct_session_create(model, NULL, &session, err);
    if (status != OCT_OK)
        return status;
    void *input = oct_session_input(session, 0, &size);
    if (strcmp(x->type, "float32") != 0 || size != x->size) {
        fprintf(stderr, "the array has %zu bytes of %s, the input %zu of float32\n", x->size, x->type,
            size);
        status = OCT_E_INVALID;
    } else {
        memcpy(input, x->bytes, size);
        status = oct_session_run(session, err);
    }
    if (status == OCT_OK) {
        const float *scores = oct_session_output(session, 0, &size);
        print_largest(scores, size / sizeof *scores);
    }
    oct_session_free(session);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s MODEL.tflite X.npy\n", argv[0]);
        return oct_status_exit_code(OCT_E_USAGE);
    }
    oct_error err = { 0 };
    oct_model *model = NULL;
    oct_array x = { 0 };
    oct_status status = oct_array_read(argv[2], NULL, &x, &err);
    if (status == OCT_OK)
        status = oct_model_load(argv[1], NULL, &model, &err);
    if (status == OCT_OK)
        status = classify(model, &x, &err);
    oct_model_free(model);
    oct_array_free(&x);
    if (err.text[0] != '\0')
        fprintf(stderr, "%s\n", err.text);
    return oct_status_exit_code(status);
}
