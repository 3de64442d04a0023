// Draws the two pictures of the demonstration: a table with a bowl and a plate, from the front and from the wrist.
// Usage: node draw-pictures.mjs <folder>. The same pixels on every run: seeded, integers only.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

const side = 256;

class Picture {
  constructor(seed) {
    this.rgb = new Uint8Array(side * side * 3);
    this.state = seed;
  }

  // xorshift32: grain of the table, one step a pixel.
  noise() {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % 3;
  }

  fill(inside, colour) {
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        if (inside(x, y)) {
          this.rgb.set(colour(x, y), 3 * (y * side + x));
        }
      }
    }
  }

  ellipse(cx, cy, rx, ry, colour) {
    this.fill((x, y) => (x - cx) ** 2 * ry * ry + (y - cy) ** 2 * rx * rx <= rx * rx * ry * ry, () => colour);
  }

  box(left, top, right, bottom, colour) {
    this.fill((x, y) => x >= left && x < right && y >= top && y < bottom, () => colour);
  }

  png() {
    const chunk = (type, data) => {
      const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
      const out = Buffer.alloc(body.length + 8);
      out.writeUInt32BE(data.length, 0);
      body.copy(out, 4);
      out.writeUInt32BE(crc32(body), body.length + 4);
      return out;
    };
    const header = Buffer.alloc(13);
    header.writeUInt32BE(side, 0);
    header.writeUInt32BE(side, 4);
    header.set([8, 2, 0, 0, 0], 8);
    const rows = Buffer.alloc(side * (1 + 3 * side));
    for (let y = 0; y < side; y++) {
      // Filter 2 (up): neighbouring rows are nearly alike.
      rows[y * (1 + 3 * side)] = 2;
      for (let i = 0; i < 3 * side; i++) {
        const above = y === 0 ? 0 : this.rgb[(y - 1) * 3 * side + i];
        rows[y * (1 + 3 * side) + 1 + i] = this.rgb[y * 3 * side + i] - above;
      }
    }
    return Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
      chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 9 })), chunk('IEND', Buffer.alloc(0)),
    ]);
  }
}

function wood(picture, top) {
  picture.fill((x, y) => y >= top, (x, y) => {
    const grain = (y - top) % 32 === 0 ? -18 : y % 4 === 0 ? picture.noise() : 0;
    const light = (y - top) >> 3;
    return [150 + light + grain, 108 + light + grain, 70 + (light >> 1) + grain];
  });
}

function front() {
  const p = new Picture(20260101);
  p.fill(() => true, (x, y) => [92 + (y >> 3), 104 + (y >> 3), 118 + (y >> 4)]);
  wood(p, 112);
  p.ellipse(180, 190, 46, 24, [225, 225, 228]);
  p.ellipse(180, 188, 34, 16, [243, 243, 245]);
  p.ellipse(78, 176, 30, 20, [28, 28, 32]);
  p.ellipse(78, 168, 30, 12, [52, 52, 58]);
  p.box(116, 0, 140, 70, [205, 206, 210]);
  p.box(104, 70, 152, 84, [60, 62, 70]);
  p.box(106, 84, 116, 116, [40, 42, 48]);
  p.box(140, 84, 150, 116, [40, 42, 48]);
  return p;
}

function wrist() {
  const p = new Picture(20260102);
  wood(p, 0);
  p.ellipse(120, 132, 74, 70, [30, 30, 34]);
  p.ellipse(120, 128, 58, 52, [56, 56, 62]);
  p.ellipse(240, 226, 70, 62, [232, 232, 236]);
  p.box(0, 0, 34, 96, [44, 46, 52]);
  p.box(222, 0, 256, 96, [44, 46, 52]);
  return p;
}

const folder = process.argv[2];
writeFileSync(join(folder, 'front.png'), front().png());
writeFileSync(join(folder, 'wrist.png'), wrist().png());
