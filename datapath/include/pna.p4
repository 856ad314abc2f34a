// pna.p4: the Portable NIC Architecture, declared from its specification.  Only the main parser, the order of the
// deparser's emits and checksums are used here; the rest is declared so that programs compile unchanged.
#ifndef __PNA_P4__
#define __PNA_P4__

#include <core.p4>

// Each kind of identifier is a new type, with a twin for use in headers and functions between the two.
#define PNA_IDENTIFIER(name, width) \
    typedef bit<width> name##Uint_t; \
    type name##Uint_t name##_t; \
    typedef bit<width> name##InHeaderUint_t; \
    type name##InHeaderUint_t name##InHeader_t; \
    name##_t pna_##name##_header_to_int(in name##InHeader_t x) { \
        return (name##_t) (name##Uint_t) (name##InHeaderUint_t) x; \
    } \
    name##InHeader_t pna_##name##_int_to_header(in name##_t x) { \
        return (name##InHeader_t) (name##InHeaderUint_t) (name##Uint_t) x; \
    }

PNA_IDENTIFIER(PortId, 32)
PNA_IDENTIFIER(InterfaceId, 32)
PNA_IDENTIFIER(MulticastGroup, 32)
PNA_IDENTIFIER(MirrorSessionId, 16)
PNA_IDENTIFIER(MirrorSlotId, 8)
PNA_IDENTIFIER(ClassOfService, 8)
PNA_IDENTIFIER(PacketLength, 16)
PNA_IDENTIFIER(MulticastInstance, 16)
PNA_IDENTIFIER(Timestamp, 64)
PNA_IDENTIFIER(FlowId, 32)
PNA_IDENTIFIER(ExpireTimeProfileId, 8)
PNA_IDENTIFIER(PassNumber, 3)
PNA_IDENTIFIER(SecurityAssocId, 32)

typedef error ParserError_t;

const InterfaceId_t PNA_PORT_CPU = (InterfaceId_t) 0xfffffffd;
const MirrorSessionId_t PNA_MIRROR_SESSION_TO_CPU = (MirrorSessionId_t) 0;

match_kind {
    range,
    selector,
    optional
}

enum PNA_IdleTimeout_t { NO_TIMEOUT, NOTIFY_CONTROL, AUTO_DELETE }
enum PNA_HashAlgorithm_t {
    IDENTITY, CRC32, CRC32_CUSTOM, CRC16, CRC16_CUSTOM, ONES_COMPLEMENT16, TARGET_DEFAULT, TOEPLITZ
}
enum PNA_CounterType_t { PACKETS, BYTES, PACKETS_AND_BYTES }
enum PNA_MeterType_t { PACKETS, BYTES }
enum PNA_MeterColor_t { RED, GREEN, YELLOW }
enum PNA_Source_t { FROM_HOST, FROM_NET }
enum PNA_Direction_t { NET_TO_HOST, HOST_TO_NET }

struct pna_pre_input_metadata_t {
    PortId_t input_port;
    ParserError_t parser_error;
    PNA_Direction_t direction;
    PassNumber_t pass;
    bool loopedback;
}

struct pna_pre_output_metadata_t {
    bool decrypt;
    SecurityAssocId_t said;
    bit<16> decrypt_start_offset;
}

// Drafts of the specification differ in these; the fields of all of them are here.
struct pna_main_parser_input_metadata_t {
    bool recirculated;
    PNA_Direction_t direction;
    PassNumber_t pass;
    bool loopedback;
    PortId_t input_port;
}

struct pna_main_input_metadata_t {
    bool recirculated;
    PNA_Direction_t direction;
    PassNumber_t pass;
    bool loopedback;
    Timestamp_t timestamp;
    ParserError_t parser_error;
    ClassOfService_t class_of_service;
    PortId_t input_port;
}

struct pna_main_output_metadata_t {
    ClassOfService_t class_of_service;
}

extern Hash<O> {
    Hash(PNA_HashAlgorithm_t algo);
    O get_hash<D>(in D data);
    O get_hash<T, D>(in T base, in D data, in T max);
}

extern Checksum<W> {
    Checksum(PNA_HashAlgorithm_t hash);
    void clear();
    void update<T>(in T data);
    W get();
}

extern InternetChecksum {
    InternetChecksum();
    void clear();
    void add<T>(in T data);
    void subtract<T>(in T data);
    bit<16> get();
    bit<16> get_state();
    void set_state(in bit<16> checksum_state);
}

extern Counter<W, S> {
    Counter(bit<32> n_counters, PNA_CounterType_t type);
    void count(in S index);
    void count(in S index, in bit<32> packet_length);  // p4c's dpdk target
}

extern DirectCounter<W> {
    DirectCounter(PNA_CounterType_t type);
    void count();
    void count(in bit<32> packet_length);  // p4c's dpdk target
}

extern Meter<S> {
    Meter(bit<32> n_meters, PNA_MeterType_t type);
    PNA_MeterColor_t execute(in S index, in PNA_MeterColor_t color);
    PNA_MeterColor_t execute(in S index);
    PNA_MeterColor_t execute(in S index, in PNA_MeterColor_t color, in bit<32> packet_length);  // older ones of p4c's dpdk target
    PNA_MeterColor_t dpdk_execute(in S index, in PNA_MeterColor_t color, in bit<32> packet_length);
    PNA_MeterColor_t dpdk_execute(in S index, in bit<32> packet_length);
}

extern DirectMeter {
    DirectMeter(PNA_MeterType_t type);
    PNA_MeterColor_t execute(in PNA_MeterColor_t color);
    PNA_MeterColor_t execute();
    PNA_MeterColor_t execute(in PNA_MeterColor_t color, in bit<32> packet_length);
    PNA_MeterColor_t dpdk_execute(in PNA_MeterColor_t color, in bit<32> packet_length);
    PNA_MeterColor_t dpdk_execute(in bit<32> packet_length);
}

extern Register<T, S> {
    Register(bit<32> size);
    Register(bit<32> size, T initial_value);
    T read(in S index);
    void write(in S index, in T value);
}

extern Random<T> {
    Random(T min, T max);
    T read();
}

extern ActionProfile {
    ActionProfile(bit<32> size);
}

extern ActionSelector {
    ActionSelector(PNA_HashAlgorithm_t algo, bit<32> size, bit<32> outputWidth);
}

extern Digest<T> {
    Digest();
    void pack(in T data);
}

extern bool is_host_port(in PortId_t p);
extern bool is_net_port(in PortId_t p);

extern void drop_packet();
extern void send_to_port(in PortId_t dest_port);
extern void mirror_packet(in MirrorSlotId_t mirror_slot_id, in MirrorSessionId_t mirror_session_id);
extern void recirculate();

// Tables that add entries to themselves.
typedef bit<1> AddEntryErrorStatus_t;
const AddEntryErrorStatus_t ADD_ENTRY_SUCCESS = 0;
const AddEntryErrorStatus_t ADD_ENTRY_NOT_DONE = 1;

// What add_entry returns is a bool in the drafts of before 2023, and a status after them.
#ifndef PNA_ADD_ENTRY_RESULT
#define PNA_ADD_ENTRY_RESULT bool
#endif
extern PNA_ADD_ENTRY_RESULT add_entry<T>(
    string action_name, in T action_params, in ExpireTimeProfileId_t expire_time_profile_id);
extern AddEntryErrorStatus_t add_entry<T>(string action_name, in T action_params);
extern AddEntryErrorStatus_t add_entry_if<T>(
    in bool do_add_entry,
    string action_name,
    in T action_params,
    in ExpireTimeProfileId_t expire_time_profile_id);
extern FlowId_t allocate_flow_id();
extern void set_entry_expire_time(in ExpireTimeProfileId_t expire_time_profile_id);
extern void set_entry_expire_time_if(in bool condition, in ExpireTimeProfileId_t expire_time_profile_id);
extern void restart_expire_timer();
extern void update_expire_info(
    in bool update_aging_info, in bool update_expire_time, in ExpireTimeProfileId_t expire_time_profile_id);

extern T SelectByDirection<T>(in bool is_network_port, in T from_net_value, in T from_host_value);
extern T SelectByDirection<T>(in PNA_Direction_t direction, in T n2h_value, in T h2n_value);

parser MainParserT<MH, MM>(
    packet_in pkt, out MH main_hdr, inout MM main_user_meta, in pna_main_parser_input_metadata_t istd);

control PreControlT<PH, PM>(
    in PH pre_hdr,
    inout PM pre_user_meta,
    in pna_pre_input_metadata_t istd,
    inout pna_pre_output_metadata_t ostd);

control MainControlT<MH, MM>(
    inout MH main_hdr,
    inout MM main_user_meta,
    in pna_main_input_metadata_t istd,
    inout pna_main_output_metadata_t ostd);

control MainDeparserT<MH, MM>(
    packet_out pkt, inout MH main_hdr, in MM main_user_meta, in pna_main_output_metadata_t ostd);

package PNA_NIC<MH, MM>(
    MainParserT<MH, MM> main_parser, MainControlT<MH, MM> main_control, MainDeparserT<MH, MM> main_deparser);

// With a control in front of the main parser, as in drafts of the specification.
package PNA_NIC<PH, PM, MH, MM>(
    MainParserT<MH, MM> main_parser,
    PreControlT<PH, PM> pre_control,
    MainControlT<MH, MM> main_control,
    MainDeparserT<MH, MM> main_deparser);

#endif
