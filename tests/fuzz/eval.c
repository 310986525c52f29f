/*
 * Any bytes are a data set or a sentence about why not: .npy, .npz, IDX (plain or gzipped), JPEG,
 * PNG, WAV, TFRecord, masks, COCO's JSON. What opens can be read, every sample of it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <octavo/data.h>
#include "eval/coco.h"
#include "eval/image.h"
#include "eval/mask.h"
#include "eval/source.h"
#include "eval/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void read_all(const oct_data *data)
{
    for (int64_t i = 0; i < oct_data_count(data) && i < 100; i++) {
        oct_sample_value field;
        oct_error err = { 0 };
        if (oct_source_read(data->source, i, "x", &field, &err) == OCT_OK) {
            float value;
            if (field.rank == 0 || field.dims[0] > 0)
                (void)oct_to_float(field.type, field.bytes, field.rank == 0, &value);
            free(field.owned);
        }
        (void)oct_data_label(data, i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[] = "/dev/shm/octavo_fuzz_XXXXXX";
    int file = mkstemp(path);
    if (file < 0)
        abort();
    if (write(file, bytes, size) != (ssize_t)size)
        abort();
    close(file);
    oct_error err = { 0 };
    oct_data *data = NULL;
    oct_array array;
    oct_image image;
    if (oct_data_open(path, &data, &err) == OCT_OK)
        read_all(data);
    else if (err.text[0] == 0)
        abort();
    oct_data_free(data);
    if (oct_array_read(path, NULL, &array, &err) == OCT_OK)
        oct_array_free(&array);
    if (oct_image_read(path, &image, &err) == OCT_OK)
        free(image.pixels);
    if (oct_mask_read(path, &image, &err) == OCT_OK)
        free(image.pixels);
    oct_sound sound;
    if (oct_wav_read(path, &sound, &err) == OCT_OK)
        free(sound.samples);
    oct_source source = { .root = "/dev/shm" };
    if (oct_coco_open(&source, path, &err) == OCT_OK && source.box_starts[source.count] < 0)
        abort();
    oct_source_close(&source);
    unlink(path);
    return 0;
}
