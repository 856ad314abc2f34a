// Parts that do not fit the package.
#include <core.p4>
#include <v1model.p4>
struct headers { }
struct metadata { }
parser MyParser(packet_in packet, inout headers hdr, inout metadata meta) { state begin { transition accept; } }
control Nothing(inout headers hdr, inout metadata meta) { apply { } }
control Ingress2(inout headers hdr, inout metadata meta, inout standard_metadata_t sm) { apply { } }
control Dep(packet_out packet, in headers hdr) { apply { } }
V1Switch(MyParser(), Nothing(), Ingress2(), Ingress2(), Nothing(), Dep()) main;
V1Switch(MyParser(), Nothing()) other;
