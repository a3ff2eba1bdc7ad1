/**
 * The commands that QEMU has: what Debian's 7.2.22 (qemu-system-x86 1:7.2+dfsg-7+deb12u18) answers to query-commands when
 * it is started with `-machine none`, in alphabetical order.
 */
export const QEMU_COMMAND_NAMES: ReadonlySet<string> = new Set(
  `
  add-fd add_client announce-self balloon block-commit block-dirty-bitmap-add block-dirty-bitmap-clear
  block-dirty-bitmap-disable block-dirty-bitmap-enable block-dirty-bitmap-merge block-dirty-bitmap-remove
  block-export-add block-export-del block-job-cancel block-job-complete block-job-dismiss block-job-finalize
  block-job-pause block-job-resume block-job-set-speed block-latency-histogram-set block-set-write-threshold
  block-stream block_resize block_set_io_throttle blockdev-add blockdev-backup blockdev-change-medium
  blockdev-close-tray blockdev-create blockdev-del blockdev-insert-medium blockdev-mirror blockdev-open-tray
  blockdev-remove-medium blockdev-reopen blockdev-snapshot blockdev-snapshot-delete-internal-sync
  blockdev-snapshot-internal-sync blockdev-snapshot-sync calc-dirty-rate cancel-vcpu-dirty-limit
  change-backing-file change-vnc-password chardev-add chardev-change chardev-remove chardev-send-break
  client_migrate_info closefd cont device-list-properties device_add device_del display-reload display-update
  drive-backup drive-mirror dump-guest-memory dumpdtb eject expire_password getfd human-monitor-command inject-nmi
  input-send-event job-cancel job-complete job-dismiss job-finalize job-pause job-resume memsave migrate
  migrate-continue migrate-incoming migrate-pause migrate-recover migrate-set-capabilities migrate-set-parameters
  migrate-start-postcopy migrate_cancel nbd-server-add nbd-server-remove nbd-server-start nbd-server-stop
  netdev_add netdev_del object-add object-del pmemsave qmp_capabilities qom-get qom-list qom-list-properties
  qom-list-types qom-set query-acpi-ospm-status query-balloon query-block query-block-exports query-block-jobs
  query-blockstats query-chardev query-chardev-backends query-colo-status query-command-line-options
  query-commands query-cpu-definitions query-cpu-model-expansion query-cpus-fast query-current-machine
  query-dirty-rate query-display-options query-dump query-dump-guest-memory-capability query-fdsets
  query-hotpluggable-cpus query-iothreads query-jobs query-kvm query-machines query-memdev query-memory-devices
  query-memory-size-summary query-mice query-migrate query-migrate-capabilities query-migrate-parameters
  query-name query-named-block-nodes query-pci query-pr-managers query-qmp-schema query-replay query-rocker
  query-rocker-of-dpa-flows query-rocker-of-dpa-groups query-rocker-ports query-rx-filter query-sev
  query-sev-attestation-report query-sev-capabilities query-sev-launch-measure query-sgx query-sgx-capabilities
  query-spice query-stats query-stats-schemas query-status query-target query-tpm query-tpm-models query-tpm-types
  query-uuid query-vcpu-dirty-limit query-version query-vm-generation-id query-vnc query-vnc-servers
  query-xen-replication-status query-yank quit remove-fd replay-break replay-delete-break replay-seek ringbuf-read
  ringbuf-write rtc-reset-reinjection screendump send-key set-action set-numa-node set-vcpu-dirty-limit set_link
  set_password sev-inject-launch-secret snapshot-delete snapshot-load snapshot-save stop system_powerdown
  system_reset system_wakeup trace-event-get-state trace-event-set-state transaction watchdog-set-action
  x-blockdev-amend x-blockdev-change x-blockdev-set-iothread x-colo-lost-heartbeat
  x-debug-block-dirty-bitmap-sha256 x-debug-query-block-graph x-exit-preconfig x-query-irq x-query-jit
  x-query-numa x-query-opcount x-query-profile x-query-ramblock x-query-rdma x-query-roms x-query-usb
  x-query-virtio x-query-virtio-queue-element x-query-virtio-queue-status x-query-virtio-status
  x-query-virtio-vhost-queue-status xen-colo-do-checkpoint xen-load-devices-state xen-save-devices-state
  xen-set-global-dirty-log xen-set-replication yank
`
    .trim()
    .split(/\s+/),
);
