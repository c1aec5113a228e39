// What the kernels are to compute, one output at a time in double precision, for the processor and the device.
#pragma once
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cmath>

#ifdef __CUDACC__
#define BOTH __host__ __device__
#else
#define BOTH
#endif

namespace reference {
BOTH inline double number(__half x) { return static_cast<double>(__half2float(x)); }
BOTH inline double number(double x) { return x; }

// One row of 384, normalized.
template <class T>
BOTH inline void norm(const T* row, const T* more, const float* weight, const float* bias, double epsilon, double* out) {
    double mean = 0, squares = 0;
    for (int i = 0; i < 384; i++) mean += number(row[i]) + (more ? number(more[i]) : 0.0);
    mean /= 384;
    for (int i = 0; i < 384; i++) {
        double x = number(row[i]) + (more ? number(more[i]) : 0.0) - mean;
        squares += x * x;
    }
    double scale = 1.0 / sqrt(squares / 384 + epsilon);
    for (int i = 0; i < 384; i++) {
        out[i] = (number(row[i]) + (more ? number(more[i]) : 0.0) - mean) * scale * weight[i] + bias[i];
    }
}

template <class T>
BOTH inline double linear(const T* row, const __half* weight, double bias, int steps) {
    double sum = bias;
    for (int k = 0; k < steps; k++) sum += number(row[k]) * number(weight[k]);
    return sum;
}

BOTH inline double gelu(double x) { return 0.5 * x * (1.0 + erf(x * 0.70710678118654752440)); }

// One query's mix of one head, 32 numbers.
template <class T>
BOTH inline void attention(const T* qkv, int begin, int end, int row, int head, double* out) {
    double most = -1e300, total = 0;
    const T* query = qkv + static_cast<size_t>(row) * 1152 + head * 32;
    for (int i = 0; i < 32; i++) out[i] = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int key = begin; key < end; key++) {
            const T* keys = qkv + static_cast<size_t>(key) * 1152 + 384 + head * 32;
            double score = 0;
            for (int i = 0; i < 32; i++) score += number(query[i]) * number(keys[i]);
            if (pass == 0) {
                most = score > most ? score : most;
            } else {
                double share = exp(score - most);
                total += share;
                for (int i = 0; i < 32; i++) out[i] += share * number(keys[384 + i]);
            }
        }
    }
    for (int i = 0; i < 32; i++) out[i] /= total;
}

// One head's logit of the normalized states of a sequence.
template <class T>
BOTH inline double logit(const T* states, int begin, int end, const float* query, const float* weight,
                         const float* mean_weight, double bias) {
    double most = -1e300, total = 0, focused = 0, mean = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int row = begin; row < end; row++) {
            double score = 0, value = 0, of_mean = 0;
            for (int i = 0; i < 384; i++) {
                double x = number(states[static_cast<size_t>(row) * 384 + i]);
                score += x * query[i], value += x * weight[i], of_mean += x * mean_weight[i];
            }
            if (pass == 0) {
                most = score > most ? score : most;
            } else {
                total += exp(score - most), focused += exp(score - most) * value, mean += of_mean;
            }
        }
    }
    return focused / total + mean / (end - begin) + bias;
}
}  // namespace reference
