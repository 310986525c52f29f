/* Made by tests/eval/make_truth.py with Pillow 13.0.0, TensorFlow 2.21.0, scikit-learn 1.9.1. */
#ifndef OCT_TESTS_EVAL_TRUTH_EXPECTED_H
#define OCT_TESTS_EVAL_TRUTH_EXPECTED_H

static const double pixels_iou[4] = {
    0x1.1d434847fb435p-1, 0x1.2bb512bb512bbp-1, 0x1.05f417d05f418p-1, 0x1.2620ae4c415cap-1
};

static const double pixels_right[2] = {
    0x1.2400000000000p+6, 0x1.9800000000000p+6
};

#endif
