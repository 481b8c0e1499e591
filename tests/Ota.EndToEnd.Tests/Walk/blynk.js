// A device with the Blynk library of npm: writes V1 once it is connected, and says what is written to V2.
// Arguments: folder of the library, tcp or ssl, port, token, file of the certificate (ssl).
const [, , library, transport, port, token, certificate] = process.argv;
const { Blynk, TcpClient, SslClient } = require(library);

const options = { addr: '127.0.0.1', port: Number(port), servername: 'localhost' };
const connector = transport === 'tcp'
  ? new TcpClient(options)
  : new SslClient({ ...options, ca: require('fs').readFileSync(certificate) });
const blynk = new Blynk(token, { connector });
const pin = new blynk.VirtualPin(2);

blynk.on('connect', () => {
  blynk.virtualWrite(1, ['from', transport]);
  console.log('ready');
});
blynk.on('error', (reason) => console.log('error ' + reason));
pin.on('write', (values) => console.log('V2 ' + values.join('|')));
