"""Compiles C with the system's ``cc`` into shared objects, kept in the cache under a hash of all that went in.

Used by ``user/loader.py`` (one engine per P4 program), ``slowpath/`` and ``compiler.py``; tests and benchmarks build
their programs with it too.  A warm build costs a few hashes and no process.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from datapath.cache import cache_dir, cached_file
from datapath.errors import LoadError, NotSupportedError

RUNTIME_DIR = Path(__file__).parent / "runtime"
WARNINGS = ("-Wall", "-Wextra", "-Werror")
OPTIMISE = ("-O2", "-g", "-march=native")  # native: what is built here runs here, and the hash knows the processor
TIMEOUT_S = 120

_PACKAGES = {  # header that the compiler misses -> (what it belongs to, remedy)
    "xdp/": ("libxdp headers", "install libxdp-dev"),
    "bpf/": ("libbpf headers", "install libbpf-dev"),
    "linux/": ("Linux user headers", "install linux-libc-dev"),
    "": ("C library headers", "install libc6-dev"),
}
_LIBRARIES = {"xdp": "libxdp-dev", "bpf": "libbpf-dev", "elf": "libelf-dev", "z": "zlib1g-dev"}


def build_shared(
    name: str,
    sources: Sequence[Path] = (),
    *,
    texts: Mapping[str, str] | None = None,
    include_dirs: Sequence[Path] = (),
    libs: Sequence[str] = (),
    defines: Mapping[str, str] | None = None,
    flags: Sequence[str] = OPTIMISE,
) -> Path:
    """Compile C sources into one shared object, or find it in the cache.

    Args:
        name: Start of the file name, for people: "engine", "slowpath".
        sources: Files to compile.
        texts: Generated files, name to content; they stand in a directory of their own that is first on the include
            path.  Those that end in ``.c`` are compiled, unless ``sources`` is given: then they are for inclusion.
        include_dirs: Further directories of the include path; all C files under them go into the hash.
        libs: Libraries to link, without the ``-l``.
        defines: Macros; the value is passed as it is (quote strings yourself, or use ``c_string``).
        flags: Further compiler flags; the warnings of the house style are always on.

    Returns:
        The shared object's path in the cache.

    Raises:
        NotSupportedError: No compiler, or a header or library is not installed; says which package has it.
        LoadError: The compiler refused the code; carries its message.
    """
    return _build(name, ".so", ["-shared", "-fPIC", *flags], sources, texts, include_dirs, libs, defines)


def build_program(
    name: str,
    sources: Sequence[Path] = (),
    *,
    texts: Mapping[str, str] | None = None,
    include_dirs: Sequence[Path] = (),
    libs: Sequence[str] = (),
    defines: Mapping[str, str] | None = None,
    flags: Sequence[str] = OPTIMISE,
) -> Path:
    """Compile C sources into one executable, or find it in the cache; otherwise as ``build_shared``."""
    return _build(name, "", list(flags), sources, texts, include_dirs, libs, defines)


def c_string(text: str) -> str:
    """Return ``text`` as a C string literal, for a macro's value."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _build(
    name: str,
    suffix: str,
    flags: list[str],
    sources: Sequence[Path],
    texts: Mapping[str, str] | None,
    include_dirs: Sequence[Path],
    libs: Sequence[str],
    defines: Mapping[str, str] | None,
) -> Path:
    """Find or make the entry; see ``build_shared``."""
    texts = dict(texts or {})
    command = [_compiler(), "-std=gnu11", *WARNINGS, *flags, "-pthread"]
    command += [f"-D{key}={value}" for key, value in sorted((defines or {}).items())]
    digest = _digest(command, sources, texts, include_dirs, libs)
    path = cache_dir() / "objects" / f"{name}-{digest}{suffix}"

    def make(scratch: Path) -> Path:
        for file, text in texts.items():
            (scratch / file).write_text(text)
        inputs = [str(p.absolute()) for p in sources] or sorted(f for f in texts if f.endswith(".c"))
        includes = [f"-I{p}" for p in (".", *(d.absolute() for d in include_dirs))]
        # The scratch directory's name is random: it must not get into the debug information.
        output = ["-o", "output", f"-ffile-prefix-map={scratch}=.", *inputs, *(f"-l{lib}" for lib in libs)]
        _run_compiler([*command, *includes, *output], scratch, name)
        return scratch / "output"

    return cached_file(path, make)


def _digest(
    command: Sequence[str],
    sources: Sequence[Path],
    texts: Mapping[str, str],
    include_dirs: Sequence[Path],
    libs: Sequence[str],
) -> str:
    """Hash all that the result depends on: command, compiler, processor, sources and whatever they can include."""
    digest = hashlib.sha256()
    for part in (*command, *libs, _compiler_version(command[0]), _processor() if "-march=native" in command else ""):
        digest.update(part.encode() + b"\0")
    for file, text in sorted(texts.items()):
        digest.update(f"{file}\0{text}\0".encode())
    directories = {p.parent for p in sources} | set(include_dirs)
    included = {f for d in directories for f in d.rglob("*.[ch]")}
    for directory in sorted(directories):
        digest.update(f"{directory.absolute()}\0".encode())  # __FILE__ and debug information name it
    for path in [*sources, *sorted(included - set(sources))]:
        digest.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


def _run_compiler(command: Sequence[str], directory: Path, name: str) -> None:
    """Run the compiler; turn what it says into our errors."""
    # The messages are searched below; what a killed compiler leaves goes with the scratch directory.
    environment = {**os.environ, "LC_ALL": "C", "TMPDIR": str(directory)}
    try:
        done = subprocess.run(
            command, cwd=directory, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"compiling {name} took more than {TIMEOUT_S} s") from error
    if done.returncode:
        _raise_missing(done.stderr)
        raise LoadError(f"the C compiler refused {name}:\n{done.stderr.rstrip()}")


def _raise_missing(message: str) -> None:
    """Raise NotSupportedError if the compiler's message says that a header or a library is not installed."""
    if header := re.search(r"fatal error: (\S+): No such file", message):
        feature, remedy = next(v for k, v in _PACKAGES.items() if header[1].startswith(k))
        raise NotSupportedError(f"{feature} ({header[1]})", remedy)
    if library := re.search(r"cannot find -l(\w+)", message):
        package = _LIBRARIES.get(library[1], f"the development package of lib{library[1]}")
        raise NotSupportedError(f"library lib{library[1]}", f"install {package}")


def _compiler() -> str:
    """Return the path of the compiler: ``$CC`` or ``cc``."""
    name = os.environ.get("CC", "cc")
    path = shutil.which(name)
    if not path:
        raise NotSupportedError(f"C compiler ({name})", "install gcc, or name one in CC")
    return path


@functools.cache
def _compiler_version(path: str) -> str:
    """Identify the compiler without running it: where it really is, its size and its time."""
    real = Path(path).resolve()
    status = real.stat()
    return f"{real} {status.st_size} {status.st_mtime_ns}"


@functools.cache
def _processor() -> str:
    """Return the processor's model and features, on which ``-march=native`` depends."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))
