"""The include files: each can be included alone, twice, and by the names under which programs know it."""

from __future__ import annotations

from pathlib import Path

import pytest

from datapath.p4 import load

INCLUDE = Path(__file__).parents[3] / "datapath" / "include"
FILES = sorted(str(path.relative_to(INCLUDE)) for path in INCLUDE.rglob("*.p4"))
PROGRAM = """
#include <{0}>
#include <{0}>
#include <core.p4>
header h_t {{ bit<8> x; }}
struct hdrs {{ h_t h; }}
parser OnlyOne(packet_in p, out hdrs hdr) {{ state start {{ p.extract(hdr.h); transition accept; }} }}
"""


@pytest.mark.parametrize("name", FILES)
def test_every_include_file_stands_alone(name: str, tmp_path: Path) -> None:
    source = tmp_path / "x.p4"
    source.write_text(PROGRAM.format(name))
    loaded = load(source)
    assert [h.path for h in loaded.program.headers] == ["h"]
    assert not loaded.warnings


def test_p4tc_programs_find_its_pna(tmp_path: Path) -> None:
    source = tmp_path / "x.p4"
    body = "pkt.extract(hdr.h); transition accept;"
    source.write_text(f"""
#include <tc/pna.p4>
header h_t {{ bit<8> x; }}
struct hdrs {{ h_t h; }}
struct meta_t {{ tc_ControlPath_Register<bit<32>> register; }}
parser P(packet_in pkt, out hdrs hdr, inout meta_t meta, in pna_main_parser_input_metadata_t istd) {{
    state start {{ {body} }}
}}
control C(inout hdrs hdr, inout meta_t meta, in pna_main_input_metadata_t istd,
          inout pna_main_output_metadata_t ostd) {{
    apply {{ skb_get_meta(); bit<32> mark = skb_get_mark(); skb_set_mark(mark); skb_set_meta(); }}
}}
control D(packet_out pkt, inout hdrs hdr, in meta_t meta, in pna_main_output_metadata_t ostd) {{
    apply {{ pkt.emit(hdr.h); }}
}}
PNA_NIC(P(), C(), D()) main;
""")
    assert load(source).program.emit_order == ("h",)


def test_a_package_is_found_by_the_number_of_its_type_arguments(tmp_path: Path) -> None:
    source = tmp_path / "x.p4"
    source.write_text("""
#include <pna.p4>
header h_t { bit<8> x; }
struct hdrs { h_t h; }
struct meta_t { }
parser P(packet_in pkt, out hdrs hdr, inout meta_t meta, in pna_main_parser_input_metadata_t istd) {
    state start { pkt.extract(hdr.h); transition accept; }
}
control Pre(in hdrs hdr, inout meta_t meta, in pna_pre_input_metadata_t istd,
            inout pna_pre_output_metadata_t ostd) { apply { } }
control C(inout hdrs hdr, inout meta_t meta, in pna_main_input_metadata_t istd,
          inout pna_main_output_metadata_t ostd) { apply { } }
control D(packet_out pkt, inout hdrs hdr, in meta_t meta, in pna_main_output_metadata_t ostd) {
    apply { pkt.emit(hdr); }
}
PNA_NIC<hdrs, meta_t, hdrs, meta_t>(P(), Pre(), C(), D()) main;
""")
    assert [h.path for h in load(source).program.headers] == ["h"]
