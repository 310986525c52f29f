/*
 * Test support: archives with a configuration of the test's own and the weights of models/tiny.keras.
 */
#ifndef TESTS_KERAS_TINY_H
#define TESTS_KERAS_TINY_H

#include "keras/archive.h"
#include "keras/zip.h"

/* An archive with this configuration and the weights of tiny.keras (Dense 4 -> 3 -> 2). */
static inline oct_backing *with_config(const char *config, const char *metadata)
{
    oct_backing *tiny = load_copy("tiny.keras");
    oct_zip_member weights;
    bool found;
    if (oct_zip_find(oct_backing_bytes(tiny), oct_backing_size(tiny), "model.weights.h5", &weights,
            &found, NULL) != OCT_OK || !found)
        abort();
    part parts[] = { { "metadata.json", metadata, strlen(metadata) },
        { "config.json", config, strlen(config) },
        { "model.weights.h5", weights.bytes, weights.size } };
    oct_backing *archive = make_archive(parts, 3);
    oct_zip_member_free(&weights);
    oct_backing_release(tiny);
    return archive;
}

#define INPUT "{\"module\":\"keras.layers\",\"class_name\":\"InputLayer\",\"config\":"                \
              "{\"batch_shape\":[null,4],\"dtype\":\"float32\",\"name\":\"x\"}}"
#define SEQUENTIAL(layers) "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"m\",\"layers\":["    \
                           layers "]}}"
#define OPERATION(class_name, config)                                                              \
    "{\"module\":\"keras.src.ops.numpy\",\"class_name\":\"" class_name                               \
    "\",\"config\":{\"name\":\"l\"," config "}}"
#define LAYER(class_name, config)                                                                  \
    "{\"module\":\"keras.layers\",\"class_name\":\"" class_name "\",\"config\":{\"name\":\"l\"," config \
    "}}"

#endif
