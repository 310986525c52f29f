/*
 * TFRecord files of tf.train.Example with an image and perhaps its label.
 *
 * A record is its length (8 bytes, little-endian), the length's checksum, the data, their checksum;
 * checksums are CRC-32C, rotated and shifted ("masked"). The data are a protocol buffer.
 * https://www.tensorflow.org/tutorials/load_data/tfrecord
 */
#ifndef OCT_EVAL_TFRECORD_H
#define OCT_EVAL_TFRECORD_H

#include "eval/source.h"

/** The bytes begin with a record, by its length's checksum. */
bool oct_tfrecord_detect(const unsigned char *bytes, size_t size);

/** The name of one of several files of records: "train-00003-of-00128", with or without an
 * ending. */
bool oct_tfrecord_is_shard(const char *name);

/**
 * Takes the records of files, one after the other: the images "image/encoded" or "image" and, when
 * all have one, the labels "image/class/label" or "label".
 *
 * paths  [count], in the source's arena
 * Errors: OCT_E_INVALID with file and byte offset, OCT_E_SYSTEM, OCT_E_MEMORY.
 */
oct_status oct_tfrecord_open(
    oct_source *source, const char *const *paths, int32_t count, oct_error *err);

/** The shards of one set in a folder; names [count], sorted. Errors: OCT_E_INVALID when some are
 * missing or there are several sets. */
oct_status oct_tfrecord_open_shards(
    oct_source *source, const char *const *names, int32_t count, oct_error *err);

/** Checks a record's checksum and decodes its image. Errors: as above, those of
 * oct_image_decode(). */
oct_status oct_tfrecord_read(
    const oct_source *source, int64_t index, oct_image *image, oct_error *err);

#endif
