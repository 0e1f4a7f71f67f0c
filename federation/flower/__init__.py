"""Flower's room: the control plane. Nothing outside this folder imports flwr.

environment   what every Flower process is told before it starts
bundle        the thin bundle that a run carries, and the check that it is the pinned one
engine        every use of Flower's internals: executors and the SuperLink's client
client_app    the party's app: payload in, payload out
server_app    the coordinator's app: one run is one round
superlink     the SuperLink child process, on loopback
supernode     a party's SuperNode child process and its supervisor
gate          the aggregator's public door: mutual TLS, fleet paths only
tunnel        a party's way to the gate, since a SuperNode has no client certificate
fleet         what the gate and the tunnel have in common: a request checked and rebuilt
listener      TLS in a thread of its own, for the gate and the tunnel
loopback      TLS between the processes of one role
keys          SuperNode keys
child, launch a Flower command that cannot be left behind
payload       bytes in a Flower message
replies       how an error crosses Flower's messages
"""
