/** What the tests call of npm's qemu-qmp 0.5.0, which has no types of its own. */
declare module 'qemu-qmp' {
  export default class QMP {
    connect(path: string, callback: (error: Error | null) => void): void;
    execute(command: string, callback: (error: Error | null, answer: unknown) => void): void;
    execute(
      command: string,
      given: Readonly<Record<string, unknown>>,
      callback: (error: Error | null, answer: unknown) => void,
    ): void;
    end(): void;
  }
}
