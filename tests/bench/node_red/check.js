const frame = msg.payload;
const device = frame.subarray(2, 10);
const key = global.get('keys').get(device.toString('hex'));
if (!key) { return null; }
const signed = Buffer.concat([Buffer.from('siaga/1 up'), frame.subarray(0, frame.length - 64)]);
const tag = frame.subarray(frame.length - 64);
if (!global.get('crypto').verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, tag)) { return null; }
const counter = frame.readUInt32BE(10);
try {
  global.get('insert').run(device, counter, frame, Date.now());
} catch (error) {
  if (error.code !== 'SQLITE_CONSTRAINT_UNIQUE') { throw error; }
  return null;
}
msg.payload = {
  device: device.toString('hex'), counter, kind: frame[1], time: frame.readUInt32BE(14),
  latitude: frame.readInt32BE(18) / 1e7, longitude: frame.readInt32BE(22) / 1e7,
};
return msg;
