/** What QEMU says to a client whose message or arguments are not as they should be (7.2), by what is wrong. */
export const QMP_MESSAGES = {
  // the message: qobject/json-streamer.c, json-parser.c; qapi/qmp-dispatch.c; monitor/qmp.c
  'no JSON': 'JSON parse error, {why}',
  'too long': 'JSON token size limit exceeded',
  'too many tokens': 'JSON token count limit exceeded',
  'too deep': 'JSON nesting depth limit exceeded',
  'no object': 'QMP input must be a JSON object',
  'no execute': "QMP input lacks member 'execute'",
  'strange member': "QMP input member '{member}' is unexpected",
  'member no string': "QMP input member '{member}' must be a string",
  'two commands': "QMP input member '{member}' clashes with '{other}'",
  'arguments no object': "QMP input member 'arguments' must be an object",
  'not negotiated': "Expecting capabilities negotiation with 'qmp_capabilities'",
  'negotiated already': 'Capabilities negotiation is already complete, command ignored',
  'no command': 'The command {name} has not been found',
  'not out of band': 'The command {name} does not support OOB',
  'too early': "The command '{name}' is permitted only after machine initialization has completed",
  'too late': 'The command is permitted only before machine initialization',
  // arguments: qapi/qobject-input-visitor.c and what looks at them
  missing: "Parameter '{name}' is missing",
  unexpected: "Parameter '{name}' is unexpected",
  'wrong type': "Invalid parameter type for '{name}', expected: {type}",
  'wrong value': "Parameter '{name}' does not accept value '{value}'",
  'expects other': "Parameter '{name}' expects {expected}",
  // objects: qom/
  'no such object': "Device '{path}' not found",
  'no such class': "Class '{type}' not found",
  'ambiguous path': "Path '{path}' is ambiguous",
  'no property': "Property '{type}.{name}' not found",
  'not writable': "Property '{type}.{name}' is not writable",
  'two objects': "attempt to add duplicate property '{id}' to object (type 'container')",
  'object in use': "object '{id}' is in use, can not be deleted",
  'no object of that id': "object '{id}' not found",
  // the machine
  'reset required': 'Resetting the Virtual Machine is required',
  'no hotplug': "The feature '{feature}' is not enabled",
  'no ACPI device': 'command is not supported, missing ACPI device',
  'no SGX in KVM': 'SGX is not enabled in KVM',
  'no SGX here': 'SGX is only supported on PC machines',
  'no EPC': 'No EPC regions defined, SGX not available',
  'not opened': "Could not open '{path}': {why}",
  'not written': "Could not write to file '{path}': {why}",
  'bad size': 'Invalid size {size}',
  'bad address': 'Invalid addr 0x{address}/size {size} specified',
} as const;

export type QmpMessage = keyof typeof QMP_MESSAGES;
