#include "openmp.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "team.h"

// oneDNN's package is built for GNU's OpenMP, which it calls through a table of addresses that the loader has filled in.
// The functions it uses are few: here they are, with the meaning that GCC's libgomp gives them, and their addresses are
// written into oneDNN's own table. Every other library of the process keeps its OpenMP.

namespace jaxconv {
namespace {

// The share of a loop with a static schedule: chunks in turn, or without a chunk one contiguous piece for each thread.
struct Loop {
  long start, step, count, chunk, pieces;
};
thread_local Loop loop;

bool next(long* from, long* to) {
  const long threads = members(), mine = number();
  long first, last;
  if (loop.chunk) {
    first = (loop.pieces * threads + mine) * loop.chunk, last = std::min(first + loop.chunk, loop.count);
  } else {
    const long each = loop.count / threads, more = loop.count % threads;
    first = each * mine + std::min(mine, more), last = loop.pieces ? first : first + each + (mine < more);
  }
  ++loop.pieces;
  *from = loop.start + first * loop.step, *to = loop.start + last * loop.step;
  return first < last;
}

bool start(long from, long to, long step, long chunk, long* first, long* last) {
  const long toward = step > 0 ? step - 1 : step + 1;
  loop = {from, step, std::max(0L, (to - from + toward) / step), chunk, 0};
  return next(first, last);
}

const std::map<std::string, void*> kCalls = {
    {"omp_get_max_threads", reinterpret_cast<void*>(allowed)},
    {"omp_get_num_threads", reinterpret_cast<void*>(members)},
    {"omp_get_thread_num", reinterpret_cast<void*>(number)},
    {"omp_in_parallel", reinterpret_cast<void*>(+[]() -> int { return working(); })},
    {"GOMP_parallel_start", reinterpret_cast<void*>(+[](Work work, void* data, unsigned threads) { begin(work, data, threads); })},
    {"GOMP_parallel_end", reinterpret_cast<void*>(end)},
    {"GOMP_barrier", reinterpret_cast<void*>(barrier)},
    {"GOMP_loop_static_start", reinterpret_cast<void*>(start)},
    {"GOMP_loop_static_next", reinterpret_cast<void*>(next)},
    {"GOMP_loop_end_nowait", reinterpret_cast<void*>(+[] {})},
};

// Where oneDNN keeps the addresses of the functions of OpenMP that it calls.
std::map<std::string, void**> asked_for() {
  void* library = dlopen("libdnnl.so.3", RTLD_NOW | RTLD_NOLOAD);
  link_map* loaded = nullptr;
  if (library == nullptr || dlinfo(library, RTLD_DI_LINKMAP, &loaded) != 0) throw std::runtime_error("oneDNN is not loaded");
  std::map<ElfW(Sxword), ElfW(Addr)> table;
  for (const ElfW(Dyn)* entry = loaded->l_ld; entry->d_tag != DT_NULL; ++entry) table[entry->d_tag] = entry->d_un.d_ptr;
  const auto* symbols = reinterpret_cast<const ElfW(Sym)*>(table[DT_SYMTAB]);
  const auto* names = reinterpret_cast<const char*>(table[DT_STRTAB]);
  std::map<std::string, void**> found;
  const auto search = [&](ElfW(Sxword) list, ElfW(Sxword) bytes) {
    const auto* relocations = reinterpret_cast<const ElfW(Rela)*>(table[list]);
    for (size_t i = 0; i < table[bytes] / sizeof(ElfW(Rela)); ++i) {
      const std::string name = names + symbols[ELF64_R_SYM(relocations[i].r_info)].st_name;
      if (name.rfind("GOMP_", 0) == 0 || name.rfind("omp_", 0) == 0)
        found[name] = reinterpret_cast<void**>(loaded->l_addr + relocations[i].r_offset);
    }
  };
  search(DT_JMPREL, DT_PLTRELSZ);
  search(DT_RELA, DT_RELASZ);
  return found;
}

}  // namespace

void adopt() {
  const auto places = asked_for();
  for (const auto& [name, place] : places)
    if (!kCalls.count(name)) throw std::runtime_error("oneDNN asks OpenMP for " + name);
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (const auto& [name, place] : places) {
    void* around = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(place) / page * page);
    if (mprotect(around, page, PROT_READ | PROT_WRITE) != 0) throw std::runtime_error("the addresses that oneDNN calls cannot be changed");
    *place = kCalls.at(name);
  }
}

}  // namespace jaxconv
