// SPDX-License-Identifier: Apache-2.0
// Are the committed tables those that the generator writes? Exits 77 (skipped) where `npm ci` was
// not run in tools/numbering-plan.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const TOOLS = path.join(__dirname, '..', '..', 'tools', 'numbering-plan');
if (!fs.existsSync(path.join(TOOLS, 'node_modules', 'google-libphonenumber'))) {
  console.log('SKIP: npm ci was not run in tools/numbering-plan');
  process.exit(77);
}
const { status } = spawnSync(process.execPath, [path.join(TOOLS, 'generate'), '--check'], { stdio: 'inherit' });
process.exit(status ?? 1);
