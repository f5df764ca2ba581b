// Where the field of a unit is framed on the photo.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {fieldsAt} from '../../../cnnwidgets/views/receptive_field/unit.mjs';

const sheet = {rows: [[0, 4], [2, 6], [0, 0]], columns: [[0, 3], [1, 5]], image: [8, 8], pixels: [16, 16]};

test('a field has the edges of its row and of its column, as the picture is enlarged', () => {
  assert.deepEqual(fieldsAt(sheet, [1, 1]), [[2, 4, 10, 12]]);
});

test('a unit that sees no pixel has no frame', () => {
  assert.deepEqual(fieldsAt(sheet, [2, 0]), []);
});
