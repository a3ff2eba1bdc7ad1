export * from '@sevlab/lab/fuzz/arbitraries';
