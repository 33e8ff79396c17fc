import { boot, image } from '#lab';
const [release = 'bookworm', init = 'systemd'] = process.argv.slice(2);
const t = Date.now();
const img = await image({ release: release as 'bookworm', init: init as 'systemd' }, 'packages').catch(async (e: unknown) => {
  console.error(e);
  throw e;
});
console.log('image', Date.now() - t);
const m = await boot({ image: img });
console.log('boot', Date.now() - t, m.root);
await m.checkout();
const r = await m.run(['sh', '-c', 'ls /opt/hauspost; df -h / | tail -1; ls /root -a; cat /etc/resolv.conf']);
console.log(r.stdout, r.stderr);
process.stdin.resume();
