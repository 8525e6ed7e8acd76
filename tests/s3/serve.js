// An S3-compatible server on loopback, for tests: prints its port. Arguments: a folder, and the buckets.
const fs = require('fs');
const S3rver = require('s3rver');
const [folder, ...buckets] = process.argv.slice(2);
const website = fs.readFileSync(`${__dirname}/website.xml`);
new S3rver({
  port: 0,
  address: '127.0.0.1',
  silent: true,
  directory: folder,
  configureBuckets: buckets.map((name) => ({ name, configs: name.endsWith('-website') ? [website] : [] })),
})
  .run()
  .then(({ port }) => console.log(port));
