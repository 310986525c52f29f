"""Makes tests/eval/files/truth/: a segmentation model for the pictures beside it in files/pixels, and a
detector with pictures and COCO annotations. Run from the repository root with the oracle venv (TensorFlow,
Pillow, ai-edge-litert; tests/conformance/README.md)."""
import json
import os
import sys

sys.path.insert(0, "tests/conformance")
import numpy as np
import tensorflow as tf
from PIL import Image
from truth import convert, postprocess_model, run

FOLDER, SIZE, COUNT = "tests/eval/files/truth/", 2, 12
rng = np.random.default_rng(9)


def segmentation():
    """The largest channel of a pixel is its class, when it is clearly the largest."""
    tf.keras.utils.set_random_seed(1)
    layer = tf.keras.layers.Conv2D(3, 1)
    model = tf.keras.Sequential([tf.keras.Input((5, 7, 3), batch_size=1), layer])
    layer.set_weights([(np.eye(3) + rng.normal(0, 0.15, (3, 3)))[None, None], rng.normal(0, 0.1, 3)])
    convert(model, FOLDER + "segment.tflite")


def detection():
    """Truths are what the detector finds, moved a little."""
    path = postprocess_model(SIZE, 3, FOLDER + "detect.tflite")
    dataset = {"categories": [{"id": k, "name": str(k)} for k in (1, 2, 3)], "images": [], "annotations": []}
    for i in range(COUNT):
        w, h = (int(v) for v in rng.integers(16, 40, 2))
        picture = Image.fromarray(rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)).resize((w, h))
        picture.save(f"{FOLDER}boxes/{i:02}.png")
        dataset["images"].append({"id": i, "file_name": f"{i:02}.png", "width": w, "height": h})
        x = tf.image.resize(np.asarray(picture, np.float32), (SIZE, SIZE)).numpy() / 255
        boxes, classes, scores, number = run(path, [x])[0]
        for (top, left, bottom, right), k, score in list(zip(boxes, classes, scores))[:int(number)]:
            box = np.array([left * w, top * h, (right - left) * w, (bottom - top) * h])
            if score < 0.6 or box[2:].min() < 4:
                continue
            box = [round(float(v), 2) for v in box * rng.uniform(0.85, 1.15, 4)]
            dataset["annotations"].append({"id": len(dataset["annotations"]) + 1, "image_id": i, "iscrowd": 0,
                                           "category_id": int(k) + 1, "bbox": box, "area": box[2] * box[3]})
    with open(FOLDER + "boxes/annotations.json", "w") as file:
        json.dump(dataset, file, indent=0)
    print(len(dataset["annotations"]), "boxes")


os.makedirs(FOLDER + "boxes", exist_ok=True)
segmentation()
detection()
