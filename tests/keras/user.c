/*
 * Layers of the user's own: what their functions see, what they make, and what they may get wrong.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "exec/session.h"
#include "keras/archive.h"
#include "keras/keras.h"
#include "passes/pass.h"

static int calls; /* of the function under test */

/* y = x * sigmoid(sharpness * x * weight), of examples/custom_layer.c; sharpness 1.5 in the models. */
static oct_status lower_gate(oct_layer *layer, void *user, oct_error *err)
{
    int32_t x = oct_layer_input(layer, 0), dims[8], weight, factor, gate, y;
    float weights[4];
    calls++;
    assert_string_equal(user, "passed on");
    assert_non_null(strstr(oct_layer_config(layer), "\"sharpness\":1.5"));
    assert_int_equal(oct_layer_input_count(layer), 1);
    assert_int_equal(oct_layer_shape(layer, x, dims), 3);
    assert_int_equal(dims[0], -1);
    assert_int_equal(dims[2], 4);
    assert_int_equal(oct_layer_weight_count(layer), 1);
    assert_int_equal(oct_layer_weight_shape(layer, 0, dims), 1);
    assert_int_equal(dims[0], 4);
    oct_layer_weight_read(layer, 0, weights);
    for (int i = 0; i < 4; i++)
        weights[i] *= 1.5f;
    OCT_TRY(oct_layer_constant(layer, 1, dims, weights, &factor, err));
    OCT_TRY(oct_layer_weight(layer, 0, &weight, err)); /* left unused: no trace in the file */
    OCT_TRY(oct_layer_emit(layer, "MUL", (int32_t[]){ x, factor }, 2, 0, NULL, &gate, err));
    OCT_TRY(oct_layer_emit(layer, "LOGISTIC", &gate, 1, 0, NULL, &gate, err));
    OCT_TRY(oct_layer_emit(layer, "MUL", (int32_t[]){ x, gate }, 2, 0, NULL, &y, err));
    OCT_TRY(oct_layer_set(layer, "fused_activation", 0, err));
    return oct_layer_return(layer, &y, 1, err);
}

static oct_graph *read_custom(const char *file, oct_layer_lower lower, oct_status wanted,
    oct_error *err)
{
    char registered[] = "mine>Gate", bare[] = "Gate", user[] = "passed on";
    const oct_layer_class classes[] = { { registered, lower, user }, { bare, lower, user } };
    oct_load_options options = { .layers = classes, .layer_count = lower == NULL ? 0 : 2 };
    oct_backing *backing = load_copy(file);
    oct_graph *graph;
    oct_status status = oct_keras_read(backing, &options, &graph, err);
    oct_backing_release(backing);
    if (status != wanted)
        fail_msg("%s: status %d, wanted %d: %s", file, status, wanted, err->text);
    return graph;
}

static void outputs_are_those_of_keras(void **state)
{
    static const char *const files[] = { "keras3_custom.keras", "keras3_custom.h5",
        "keras2_custom.keras", "keras2_custom.h5" };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        oct_error err = { 0 };
        char name[64];
        size_t size;
        calls = 0;
        oct_graph *graph = read_custom(files[i], lower_gate, OCT_OK, &err);
        assert_int_equal(calls, 2); /* the layer is called twice */
        assert_int_equal(oct_passes_run(graph, &err), OCT_OK);
        oct_session *session;
        oct_session_options run = { .kernels = OCT_KERNELS_REF, .batch = 2 };
        assert_int_equal(oct_session_create_graph(graph, &run, &session, &err), OCT_OK);
        snprintf(name, sizeof name, "%.12s.x", files[i]);
        strcpy(strchr(name, '_') + 1, "custom.x");
        oct_backing *x = load_copy(name);
        void *to = oct_session_input(session, 0, &size);
        assert_int_equal(size, oct_backing_size(x));
        memcpy(to, oct_backing_bytes(x), size);
        assert_int_equal(oct_session_run(session, &err), OCT_OK);
        strcpy(strchr(name, '_') + 1, "custom.y");
        oct_backing *y = load_copy(name);
        const float *got = oct_session_output(session, 0, &size);
        const float *expected = (const float *)(const void *)oct_backing_bytes(y);
        assert_int_equal(size, oct_backing_size(y));
        for (size_t k = 0; k < size / 4; k++)
            if (!(fabsf(got[k] - expected[k]) <= 1e-5f))
                fail_msg("%s: output %zu is %g, Keras has %g", files[i], k, (double)got[k],
                    (double)expected[k]);
        oct_backing_release(x);
        oct_backing_release(y);
        oct_session_free(session);
        oct_graph_free(graph);
    }
}

static oct_status returns_nothing(oct_layer *layer, void *user, oct_error *err)
{
    (void)layer, (void)user, (void)err;
    return OCT_OK;
}

static oct_status unknown_operator(oct_layer *layer, void *user, oct_error *err)
{
    int32_t x = oct_layer_input(layer, 0);
    (void)user;
    return oct_layer_emit(layer, "MULTIPLY", &x, 1, 0, NULL, &x, err);
}

static oct_status unknown_tensor(oct_layer *layer, void *user, oct_error *err)
{
    int32_t x = 100000;
    (void)user;
    return oct_layer_return(layer, &x, 1, err);
}

static oct_status unknown_option(oct_layer *layer, void *user, oct_error *err)
{
    int32_t x = oct_layer_input(layer, 0);
    (void)user;
    OCT_TRY(oct_layer_emit(layer, "RELU", &x, 1, 0, NULL, &x, err));
    return oct_layer_set(layer, "alpha", 1, err);
}

static oct_status missing_weight(oct_layer *layer, void *user, oct_error *err)
{
    int32_t tensor;
    (void)user;
    return oct_layer_weight(layer, 1, &tensor, err);
}

static oct_status impossible_shape(oct_layer *layer, void *user, oct_error *err)
{
    int32_t x = oct_layer_input(layer, 0), dims[] = { -1, 0 };
    (void)user;
    return oct_layer_emit(layer, "RELU", &x, 1, 2, dims, &x, err);
}

static void mistakes_are_told(void **state)
{
    static const struct { oct_layer_lower lower; oct_status status; const char *text; } cases[] = {
        { NULL, OCT_E_UNSUPPORTED, "layer 'gate': 'Gate' is a custom layer or not supported (module "
                                   "not named in the file, registered as mine>Gate); octavo/layer.h "
                                   "tells how to register it" },
        { returns_nothing, OCT_E_USAGE,
            "layer 'gate' (Gate): the function for its class returned no tensor" },
        { unknown_operator, OCT_E_USAGE,
            "layer 'gate' (Gate): emits 'MULTIPLY', which is no operator of TensorFlow Lite" },
        { unknown_tensor, OCT_E_USAGE, "layer 'gate' (Gate): returns a tensor 0 that does not exist" },
        { unknown_option, OCT_E_USAGE,
            "layer 'gate' (Gate): RELU has no option 'alpha' that could be 1" },
        { missing_weight, OCT_E_INVALID, "layer 'gate' (Gate): has 1 arrays; number 1 was asked for" },
        { impossible_shape, OCT_E_INVALID,
            "layer 'gate' (Gate): its output would have 0 elements along axis 1" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        oct_error err = { 0 };
        assert_null(read_custom("keras3_custom.keras", cases[i].lower, cases[i].status, &err));
        assert_string_equal(err.text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_those_of_keras),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
