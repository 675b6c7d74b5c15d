// An Event Hub-compatible endpoint made with rhea, a foreign AMQP library: for benches that no code of the lab shall stand behind.
// It signs everybody in, answers $cbs and $management, and sends each reader of a partition the messages it has, from the first on.
//
//   npm install rhea            (in a folder that NODE_PATH names)
//   node server.js HOST PORT CERTIFICATE KEY MESSAGES PARTITIONS BODY_BYTES
'use strict';
const fs = require('fs');
const rhea = require('rhea');
const frames = require('rhea/lib/frames');

// The service writes every field of a performative, and azure-eventhub counts on it; rhea leaves the last ones out where they are null.
const FIELDS = { open: 10, begin: 8, attach: 14, flow: 11, transfer: 11, disposition: 6, detach: 3, end: 1, close: 1 };
const DEFAULTS = {
    open: { max_frame_size: 65536, channel_max: 10, idle_time_out: 240000 },
    begin: { handle_max: 255 },
    attach: { snd_settle_mode: 1, rcv_settle_mode: 0, max_message_size: 1048576 },
    flow: { available: 0, drain: false, echo: false },
    transfer: { more: false, resume: false, aborted: false, batchable: false },
};
for (const [name, count] of Object.entries(FIELDS)) {
    const create = frames[name];
    frames[name] = (fields) => {
        const performative = create({ ...DEFAULTS[name], ...fields });
        for (let field = 0; field < count; field++) {
            if (performative.value[field] === undefined) performative.value[field] = null;
        }
        return performative;
    };
}

const [host, port, cert, key, messages, partitions, bodyBytes] = process.argv.slice(2);
const each = Math.floor(Number(messages) / Number(partitions));
const container = rhea.create_container({ id: 'hub' });
container.sasl_server_mechanisms.enable_anonymous();
const text = '(84 ms) The image ./assets/cat.jpg was classified as tiger cat with confidence 0.93.';
const body = rhea.message.data_section(Buffer.from(text.padEnd(Number(bodyBytes), ' ')));
const now = Date.now();

function encoded(number) {
    return rhea.message.encode({
        message_annotations: {
            'iothub-connection-device-id': 'edge-1',
            'iothub-connection-module-id': 'azureml-client',
            'iothub-connection-auth-method': '{"scope":"module","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}',
            'iothub-connection-auth-generation-id': '637000000000000000',
            'iothub-message-source': 'Telemetry',
            'iothub-enqueuedtime': rhea.types.wrap_timestamp(now),
            'x-opt-sequence-number': rhea.types.wrap_long(number),
            'x-opt-offset': String(number * 400),
            'x-opt-enqueued-time': rhea.types.wrap_timestamp(now),
        },
        body,
    });
}
const backlog = Array.from({ length: each }, (_, number) => encoded(number));

function properties(request) {
    const name = request.application_properties.name;
    if (request.application_properties.type === 'com.microsoft:eventhub') {
        return {
            name, type: 'com.microsoft:eventhub', created_at: rhea.types.wrap_timestamp(now - 1e9), partition_count: Number(partitions),
            partition_ids: rhea.types.wrap_array(Array.from({ length: Number(partitions) }, (_, id) => String(id)), 0xa1),
        };
    }
    return {
        name, type: 'com.microsoft:partition', partition: request.application_properties.partition,
        begin_sequence_number: rhea.types.wrap_long(0), last_enqueued_sequence_number: rhea.types.wrap_long(each - 1),
        last_enqueued_offset: String((each - 1) * 400), last_enqueued_time_utc: rhea.types.wrap_timestamp(now),
        is_partition_empty: each === 0,
    };
}

container.on('sender_open', (context) => {
    const sender = context.sender;
    const address = sender.remote.attach.source ? sender.remote.attach.source.address : '';
    sender.set_source(sender.remote.attach.source);
    sender.set_target(sender.remote.attach.target);
    const partition = /\/Partitions\/(\d+)$/.exec(address || '');
    if (partition) {
        sender.local.attach.snd_settle_mode = 1; // as the service does: nothing waits for an outcome
        sender.next = 0;
        sender.partition = true;
    } else {
        context.connection.replies = context.connection.replies || {};
        context.connection.replies[address] = sender;
    }
});
container.on('sendable', (context) => {
    const sender = context.sender;
    while (sender.partition && sender.sendable() && sender.next < backlog.length) {
        sender.send(backlog[sender.next++], undefined, 0x80013700);
    }
});
container.on('receiver_open', (context) => {
    context.receiver.set_source(context.receiver.remote.attach.source);
    context.receiver.set_target(context.receiver.remote.attach.target);
});
container.on('message', (context) => {
    const address = context.receiver.remote.attach.target.address;
    const request = context.message;
    const reply = { correlation_id: request.message_id, to: request.reply_to };
    if (address === '$cbs') {
        reply.application_properties = { 'status-code': 202, 'status-description': 'Accepted' };
        reply.body = '';
    } else {
        reply.application_properties = { 'status-code': 200, 'status-description': 'OK' };
        reply.body = properties(request);
    }
    context.connection.replies[address].send(reply);
});
for (const name of ['connection_error', 'session_error', 'sender_error', 'receiver_error', 'disconnected', 'error']) {
    container.on(name, () => {});
}
const options = { host, port: Number(port), transport: 'tls', max_frame_size: 65536, channel_max: 10 };
options.cert = fs.readFileSync(cert);
options.key = fs.readFileSync(key);
const server = container.listen(options);
server.on('listening', () => process.stdout.write(JSON.stringify({ port: server.address().port }) + '\n'));
process.stdin.on('end', () => process.exit(0)).resume();
