// CommonJS, so that a bundle loads memfs when it is first called: that takes longer than booting a kernel.
module.exports = () => ({ fsCore: require('@jsonjoy.com/fs-core'), memfs: require('memfs') });
