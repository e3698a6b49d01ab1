#include "openmp.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>

#include "team.h"

// oneDNN's package is built for GNU's OpenMP, which it calls through a table of addresses that the loader fills in. The
// functions that it asks for are few: here they are, with the meaning that GCC's libgomp gives them, and `adopt` writes
// their addresses into oneDNN's own table. Every other library of the process keeps its OpenMP.

namespace jaxconv {
namespace {

// Loops that OpenMP divides are in oneDNN's shuffles only, of which nothing here makes one.
[[noreturn]] void loop() { std::abort(); }

const std::map<std::string, void*> kCalls = {
    {"omp_get_max_threads", reinterpret_cast<void*>(allowed)},
    {"omp_get_num_threads", reinterpret_cast<void*>(members)},
    {"omp_get_thread_num", reinterpret_cast<void*>(number)},
    {"omp_in_parallel", reinterpret_cast<void*>(+[]() -> int { return working(); })},
    {"GOMP_parallel_start", reinterpret_cast<void*>(+[](Work work, void* data, unsigned threads) {
       begin(work, data, static_cast<int>(threads));
     })},
    {"GOMP_parallel_end", reinterpret_cast<void*>(end)},
    {"GOMP_barrier", reinterpret_cast<void*>(barrier)},
    {"GOMP_loop_static_start", reinterpret_cast<void*>(loop)},
    {"GOMP_loop_static_next", reinterpret_cast<void*>(loop)},
    {"GOMP_loop_end_nowait", reinterpret_cast<void*>(loop)},
};

// Where oneDNN keeps the addresses of the functions of OpenMP that it calls.
std::multimap<std::string, void**> asked_for() {
  void* library = dlopen("libdnnl.so.3", RTLD_NOW | RTLD_NOLOAD);
  link_map* loaded = nullptr;
  if (library == nullptr || dlinfo(library, RTLD_DI_LINKMAP, &loaded) != 0)
    throw std::runtime_error("oneDNN is not loaded");
  std::map<ElfW(Sxword), ElfW(Addr)> table;
  for (const ElfW(Dyn)* entry = loaded->l_ld; entry->d_tag != DT_NULL; ++entry) table[entry->d_tag] = entry->d_un.d_ptr;
  const auto* symbols = reinterpret_cast<const ElfW(Sym)*>(table[DT_SYMTAB]);
  const auto* names = reinterpret_cast<const char*>(table[DT_STRTAB]);
  std::multimap<std::string, void**> found;
  const auto search = [&](ElfW(Sxword) list, ElfW(Sxword) bytes) {
    const auto* relocations = reinterpret_cast<const ElfW(Rela)*>(table[list]);
    for (size_t i = 0; i < table[bytes] / sizeof(ElfW(Rela)); ++i) {
      const std::string name = names + symbols[ELF64_R_SYM(relocations[i].r_info)].st_name;
      if (name.starts_with("GOMP_") || name.starts_with("omp_") || name.starts_with("__kmpc_"))
        found.emplace(name, reinterpret_cast<void**>(loaded->l_addr + relocations[i].r_offset));
    }
  };
  search(DT_JMPREL, DT_PLTRELSZ);
  search(DT_RELA, DT_RELASZ);
  return found;
}

}  // namespace

void adopt() {
  const auto places = asked_for();
  if (!places.contains("GOMP_parallel_start")) throw std::runtime_error("oneDNN is not built for GNU's OpenMP");
  for (const auto& [name, place] : places)
    if (!kCalls.contains(name)) throw std::runtime_error("oneDNN asks OpenMP for " + name);
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (const auto& [name, place] : places) {
    void* around = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(place) / page * page);
    if (mprotect(around, page, PROT_READ | PROT_WRITE) != 0)  // read-only since the loader was done; it stays writable
      throw std::runtime_error("the addresses of OpenMP's functions that oneDNN calls cannot be changed");
    *place = kCalls.at(name);
  }
}

}  // namespace jaxconv
