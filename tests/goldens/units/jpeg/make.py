"""Writes roundtrip.json and the small files for the decoder: what libjpeg-turbo's own tools make of seeded images.

Needs cjpeg and djpeg of libjpeg-turbo on the path (Debian: libjpeg-turbo-progs). Run in this folder. The three patterns
are written again in JpegRoundTripTests.cs; nothing but hashes has to be stored.
"""
import hashlib, json, os, subprocess

SIZES = [(1, 1), (2, 2), (3, 5), (4, 4), (5, 3), (8, 8), (16, 16), (17, 33), (31, 18), (97, 61), (64, 223),
         (223, 64), (224, 224), (256, 256), (321, 241), (640, 480)]


def lcg(state):
    return (state * 1664525 + 1013904223) & 0xFFFFFFFF


def noise(width, height):
    state, out = width * 65536 + height, bytearray()
    for _ in range(width * height * 3):
        state = lcg(state)
        out.append(state >> 24)
    return bytes(out)


def smooth(width, height):
    return bytes(v & 255 for y in range(height) for x in range(width)
                 for v in (x * 255 // width, y * 255 // height, (x * x + y * y) // 64))


def blocks(width, height):
    # Saturated colours in 5x3 cells: the hardest ringing.
    out = bytearray()
    for y in range(height):
        for x in range(width):
            state = lcg(lcg(x // 5 * 4099 + y // 3))
            out += bytes(255 if state >> bit & 1 else 0 for bit in (31, 30, 29))
    return bytes(out)


def round_trip(width, height, rgb, **environment):
    env = dict(os.environ, **environment)
    ppm = b"P6\n%d %d\n255\n" % (width, height) + rgb
    jpeg = subprocess.run(["cjpeg", "-quality", "95", "-dct", "int", "-sample", "2x2"], input=ppm, env=env, capture_output=True, check=True).stdout
    decoded = subprocess.run(["djpeg", "-dct", "fast", "-ppm"], input=jpeg, env=env, capture_output=True, check=True).stdout
    return decoded[-width * height * 3:]


goldens = []
for pattern in (noise, smooth, blocks):
    for width, height in SIZES:
        rgb = pattern(width, height)
        decoded = round_trip(width, height, rgb)
        scalar = round_trip(width, height, rgb, JSIMD_FORCENONE="1")
        if decoded != scalar:
            print(pattern.__name__, width, height, "SIMD and scalar code differ in",
                  sum(a != b for a, b in zip(decoded, scalar)), "bytes")
        goldens.append({"pattern": pattern.__name__, "width": width, "height": height,
                        "input": hashlib.sha256(rgb).hexdigest(), "decoded": hashlib.sha256(decoded).hexdigest()})
with open("roundtrip.json", "w") as file:
    file.write("[\n" + ",\n".join("  " + json.dumps(g) for g in goldens) + "\n]\n")

# For the decoder's tests: one image as a baseline and as a progressive file, and its pixels by the accurate transform.
ppm = b"P6\n33 17\n255\n" + smooth(33, 17)
for name, options in (("baseline.jpg", []), ("progressive.jpg", ["-progressive"])):
    jpeg = subprocess.run(["cjpeg", "-quality", "95"] + options, input=ppm, capture_output=True, check=True).stdout
    decoded = subprocess.run(["djpeg", "-dct", "int", "-ppm"], input=jpeg, capture_output=True, check=True).stdout
    with open(name, "wb") as file:
        file.write(jpeg)
    with open(name.replace(".jpg", ".rgb"), "wb") as file:
        file.write(decoded[-33 * 17 * 3:])
