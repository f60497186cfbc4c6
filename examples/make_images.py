"""Make the images in `examples/images`, drawn by this script and free for any use: `python examples/make_images.py`.

Sixteen landscapes by day, five by night, a chessboard, a red disc, and one landscape twice under two names; and
`means.onnx`, a model of one layer that stands in for an encoder. Needs Pillow and onnx.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

SEED, SIDE = 7, 40
HERE = Path(__file__).parent / "images"
DAY, NIGHT = ((120, 180, 240), (70, 150, 60), (250, 220, 90)), ((15, 20, 60), (20, 45, 35), (230, 230, 240))


def landscape(rng: np.random.Generator, colours: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """A sky, a hill, and a sun or moon, each in its colour and somewhere else every time."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    sky, hill, light = (np.array(colour) + rng.integers(-12, 13, 3) for colour in colours)
    found = np.empty((SIDE, SIDE, 3), np.int64)
    found[:] = sky
    down, across, size = rng.integers(6, 14), rng.integers(6, SIDE - 6), rng.integers(3, 6)
    found[(rows - down) ** 2 + (columns - across) ** 2 < size**2] = light
    height = 22 + 5 * np.sin(columns / rng.uniform(4, 9) + rng.uniform(0, 6))
    found[rows > height] = hill
    return found.clip(0, 255).astype(np.uint8)


def odd() -> dict[str, np.ndarray]:
    """A chessboard, and a red disc on white."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    board = np.where((rows // 5 + columns // 5) % 2, 240, 30).astype(np.uint8)
    disc = np.full((SIDE, SIDE, 3), 255, np.uint8)
    disc[(rows - 19.5) ** 2 + (columns - 19.5) ** 2 < 144] = (200, 20, 40)
    return {"board": np.stack([board] * 3, axis=-1), "disc": disc}


def model(path: Path) -> None:
    """An ONNX model of the means of 4 × 4 cells of each channel: 48 numbers."""
    from onnx import helper, save

    taken = helper.make_tensor_value_info("pixels", 1, ["n", 3, 32, 32])
    made = helper.make_tensor_value_info("vector", 1, ["n", 48])
    nodes = [
        helper.make_node("AveragePool", ["pixels"], ["cells"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["cells"], ["vector"]),
    ]
    graph = helper.make_graph(nodes, "means", [taken], [made])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))


def main() -> None:
    rng = np.random.default_rng(SEED)
    images = {f"day-{number:02}": landscape(rng, DAY) for number in range(16)}
    images |= {f"night-{number}": landscape(rng, NIGHT) for number in range(5)} | odd()
    images["day-again"] = images["day-03"]
    HERE.mkdir(exist_ok=True)
    names = list(images)
    rng.shuffle(names)
    with (HERE / "pool.jsonl").open("w") as lines:
        for name in names:
            Image.fromarray(images[name]).quantize(8).save(HERE / f"{name}.png", optimize=True)
            lines.write(json.dumps({"id": name, "image": f"{name}.png", "kind": name.partition("-")[0]}) + "\n")
    model(HERE / "means.onnx")


if __name__ == "__main__":
    main()
