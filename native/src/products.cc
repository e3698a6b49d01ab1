#include "products.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "team.h"

namespace jaxconv {
namespace {

constexpr int64_t kColumns = 768;            // of a block: more taps at once gain nothing
constexpr int64_t kBlock = 1 << 18;          // floats of a block of windows: 1 MB, so that it stays in the cache
constexpr int64_t kFew = 512;                // pixels: for less the primitive is faster
constexpr int64_t kLongest = kBlock / 64;    // floats of a run, of which a block has at least 64
constexpr int64_t kCopies = int64_t{1} << 26;  // floats that the threads' own sums may take: 256 MB

// Windows are cut into runs, one for each tap of the outer axes: the taps of the last axis with their channels.
struct Windows {
  const Problem& p;
  const float* x;
  int64_t rank, group_in, run, runs;

  Windows(const Problem& problem, const float* x)
      : p(problem), x(x), rank(p.axes.size()), group_in(p.c_in / p.groups), run(p.axes.back().window * group_in), runs(1) {
    for (int64_t i = 0; i + 1 < rank; ++i) runs *= p.axes[i].window;
  }

  // Runs [first, last) of the windows of pixels [from, to) in one group, a window a row.
  void lay(int64_t from, int64_t to, int64_t group, int64_t first, int64_t last, float* rows) const {
    int64_t at[3];  // the output pixel: batch is what is left of it
    for (int64_t pixel = from; pixel < to; ++pixel) {
      int64_t rest = pixel;
      for (int64_t i = rank; i-- > 0; rest /= p.axes[i].output) at[i] = rest % p.axes[i].output;
      for (int64_t r = first; r < last; ++r, rows += run) lay_run(rest, at, r, group, rows);
    }
  }

 private:
  void lay_run(int64_t batch, const int64_t* at, int64_t r, int64_t group, float* row) const {
    int64_t place = batch, taps[3];
    for (int64_t i = rank - 1; i-- > 0; r /= p.axes[i].window) taps[i] = r % p.axes[i].window;
    for (int64_t i = 0; i + 1 < rank; ++i) {
      const auto& axis = p.axes[i];
      const int64_t q = at[i] * axis.stride + taps[i] * axis.dilation - axis.lo;
      if (q < 0 || q >= axis.size) {
        std::memset(row, 0, run * sizeof(float));
        return;
      }
      place = place * axis.size + q;
    }
    const auto& axis = p.axes.back();
    const int64_t start = at[rank - 1] * axis.stride - axis.lo;
    const float* line = x + place * axis.size * p.c_in + group * group_in;
    if (p.groups == 1 && axis.dilation == 1 && start >= 0 && start + axis.window <= axis.size) {
      std::memcpy(row, line + start * p.c_in, run * sizeof(float));
      return;
    }
    for (int64_t t = 0; t < axis.window; ++t, row += group_in) {
      const int64_t q = start + t * axis.dilation;
      if (q < 0 || q >= axis.size)
        std::memset(row, 0, group_in * sizeof(float));
      else
        std::memcpy(row, line + q * p.c_in, group_in * sizeof(float));
    }
  }
};

int64_t pixels_of(const Problem& p) {
  int64_t pixels = p.batch;
  for (const auto& axis : p.axes) pixels *= axis.output;
  return pixels;
}

}  // namespace

// Processor times relative to oneDNN 3.2's, AVX2: 3x3 64 -> 64 0.6, stride 2 0.56, 512 channels of 7x7 0.48, 3 -> 64 7x7 0.72,
// four groups of 32 0.72, 3-D 0.6 to 0.9, one axis of 64 taps 0.55; at par for 32 -> 32 and 16 -> 32, slower below (16 -> 16
// 1.3, 1 -> 6 5x5 4.4) and for one tap (1.2). Its AVX-512 primitives were not measured, and are left alone.
bool prefers_products(const Problem& p, const std::string& implementation) {
  int64_t taps = 1;
  for (const auto& axis : p.axes) taps *= axis.window;
  return p.operand == dnnl::memory::data_type::f32 && p.result == dnnl::memory::data_type::f32 && taps > 1 &&
         taps * (p.c_in / p.groups) * (p.c_out / p.groups) >= 4096 && pixels_of(p) >= kFew &&
         p.axes.back().window * (p.c_in / p.groups) <= kLongest &&
         (implementation == "jit:avx2" || implementation == "x64:gemm:jit");
}

void weight_gradient(const Problem& p, const float* x, const float* out, float* kernel) {
  const Windows windows(p, x);
  const int64_t group_out = p.c_out / p.groups, size = windows.runs * windows.run * p.c_out;
  const int64_t at_once = std::clamp(kColumns / windows.run, int64_t{1}, windows.runs);  // runs of a block
  const int64_t pixels = pixels_of(p);
  const int64_t each = (pixels + allowed() - 1) / allowed();
  const int64_t step = std::max(int64_t{64}, std::min(each, kBlock / (at_once * windows.run)));
  const int64_t blocks = (pixels + step - 1) / step;
  const int most = std::clamp<int64_t>(kCopies / size, 1, allowed());  // threads that take part
  // Made here, since an exception must not leave the threads. The first thread sums into the result.
  std::vector<std::unique_ptr<float[]>> rows(most), sums(most);
  for (auto& own : rows) own.reset(new float[step * at_once * windows.run]);
  for (int i = 1; i < most; ++i) sums[i].reset(new float[size]);
  int took_part = 1;
  std::atomic<bool> failed{false};
  together([&](int thread, int members) {
    const int threads = std::min(most, members);
    if (thread >= threads) return;
    float* sum = thread == 0 ? kernel : sums[thread].get();
    std::memset(sum, 0, size * sizeof(float));
    if (thread == 0) took_part = threads;
    for (int64_t block = thread; block < blocks; block += threads) {
      const int64_t from = block * step, to = std::min(pixels, from + step);
      for (int64_t group = 0; group < p.groups; ++group)
        for (int64_t first = 0; first < windows.runs; first += at_once) {
          const int64_t last = std::min(windows.runs, first + at_once), columns = (last - first) * windows.run;
          windows.lay(from, to, group, first, last, rows[thread].get());
          if (dnnl_sgemm('T', 'N', columns, group_out, to - from, 1, rows[thread].get(), columns, out + from * p.c_out + group * group_out,
                     p.c_out, 1, sum + first * windows.run * p.c_out + group * group_out, p.c_out) != dnnl_success)
            failed = true;
        }
    }
  });
  if (failed) throw std::runtime_error("dnnl_sgemm failed");
  for (int i = 1; i < took_part; ++i)
    for (int64_t k = 0; k < size; ++k) kernel[k] += sums[i][k];
}

}  // namespace jaxconv
