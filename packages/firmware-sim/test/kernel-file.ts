export { emulatedKernelFile as makeKernelFile } from '../src/direct-boot/emulated-kernel-file.ts';
