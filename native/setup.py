"""Compile the sources where that is possible; where it is not, install without them and note why."""

import platform
import sys
from importlib.metadata import files
from importlib.util import find_spec
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

NOTE = "not_built.txt"
SOURCES = ("conv.cc", "ffi.cc", "openmp.cc", "products.cc", "team.cc")


class Build(build_ext):
    """`build_ext` whose failure is one line, which `jaxconv_onednn.load` repeats, and stops nothing else."""

    def run(self):
        """Build, or note why not."""
        why = None
        try:
            for extension in self.extensions:
                configure(extension)
            super().run()
        except Exception as error:  # a missing compiler, header or library: whatever it is, jaxconv runs without
            why = f"{type(error).__name__}: {error}".splitlines()[0]
            print(f"jaxconv-onednn: not built ({why})", file=sys.stderr)
        folder = Path("." if self.inplace else self.build_lib, "jaxconv_onednn")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NOTE).unlink(missing_ok=True)
        if why is not None:
            (folder / NOTE).write_text(why + "\n")


def configure(extension):
    """Say where the headers of XLA and oneDNN are, and the library that oneDNN's package brings."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise OSError(f"oneDNN is packaged for Linux on x86-64, not for {sys.platform} on {platform.machine()}")
    headers = [Path(find_spec("jaxlib").origin).parent / "include", placed("onednn-devel-cpu-gomp", "dnnl.hpp").parent]
    extension.extra_compile_args += [word for folder in headers for word in ("-isystem", str(folder))]
    extension.extra_link_args += [str(placed("onednn-cpu-gomp", "libdnnl.so.3"))]


def placed(distribution, name):
    """Where the file `name` of a distribution was installed."""
    return next(Path(file.locate()).resolve() for file in files(distribution) if file.name == name)


setup(
    ext_modules=[
        Extension(
            "jaxconv_onednn._native",
            [f"src/{name}" for name in SOURCES],
            depends=["src/conv.h", "src/openmp.h", "src/products.h", "src/team.h"],
            language="c++",
            extra_compile_args=["-std=c++20", "-O2", "-pthread"],
            extra_link_args=["-pthread"],
        )
    ],
    cmdclass={"build_ext": Build},
)
