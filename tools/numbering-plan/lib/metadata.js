// SPDX-License-Identifier: Apache-2.0
// The metadata that google-libphonenumber exports, with names instead of protocol buffer field
// numbers (phonemetadata.proto of libphonenumber).
'use strict';

const desc = (fields) =>
  fields && {
    pattern: fields[2] ?? '',
    example: fields[6] ?? '',
    lengths: fields[9] ?? [],
    localLengths: fields[10] ?? [],
  };

const layout = (fields) => ({
  pattern: fields[1],
  format: fields[2],
  leading: fields[3] ?? [],
  nationalPrefixRule: fields[4] ?? '',
});

/** The kinds of line in the order in which libphonenumber asks for them. */
const TYPES = {
  premium: 5,
  tollFree: 4,
  sharedCost: 6,
  voip: 8,
  personal: 7,
  pager: 21,
  uan: 25,
  voicemail: 28,
  fixed: 2,
  mobile: 3,
};

function regionOf(fields) {
  const types = {};
  for (const [name, field] of Object.entries(TYPES)) types[name] = desc(fields[field]);
  return {
    name: fields[9],
    code: fields[10],
    general: desc(fields[1]),
    types,
    internationalPrefix: fields[11] ?? '',
    nationalPrefix: fields[15] ?? '',
    transform: fields[16] ?? '',
    sameMobileAndFixed: Boolean(fields[18]),
    layouts: (fields[19] ?? []).map(layout),
    internationalLayouts: (fields[20] ?? []).map(layout),
    leading: fields[23] ?? '',
  };
}

/** All calling codes in order: `{code, regions, shorts}`, the main region first. */
function readCodes({ metadata, shortnumbermetadata }) {
  const codes = [];
  for (const [text, names] of Object.entries(metadata.countryCodeToRegionCodeMap)) {
    const code = Number(text);
    const regions = names.map((name) =>
      regionOf(metadata.countryToMetadata[name === '001' ? text : name]));
    const shorts = names
      .map((name) => shortnumbermetadata.countryToMetadata[name])
      .filter(Boolean)
      .map((fields) => ({ general: desc(fields[1]), code: desc(fields[29]) }));
    codes.push({ code, regions, shorts });
  }
  return codes.sort((a, b) => a.code - b.code);
}

module.exports = { TYPES, readCodes };
