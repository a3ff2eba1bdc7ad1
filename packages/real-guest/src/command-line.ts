/**
 * What a kernel needs to be watched: a console on the serial port, an end when it is done or dies, and no look at how many
 * ticks come in a time: on a busy machine an emulated one gets too few, and the kernel panics (Linux, check_timer()).
 */
export const WATCHED_COMMAND_LINE = 'console=ttyS0 panic=-1 reboot=t,force no_timer_check';
