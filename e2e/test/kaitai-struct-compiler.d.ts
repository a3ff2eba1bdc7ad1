/** What the tests call of npm's kaitai-struct-compiler 0.11.0, which has no types of its own. */
declare module 'kaitai-struct-compiler' {
  const compiler: {
    /** Compiles a description, its YAML parsed, into source files by their names. `debug` notes where each field lies. */
    compile(
      language: 'javascript',
      description: unknown,
      importer: undefined,
      debug: boolean,
    ): Promise<Record<string, string>>;
  };
  export default compiler;
}
