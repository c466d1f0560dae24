"""Patients written for the tests, with results computed by hand from the published formulas."""

from __future__ import annotations

from datetime import date
from typing import Any

DAY = date(2024, 1, 1).toordinal()

BASE: dict[int, dict[str, Any]] = {
    8: {"heart_rate": 80},
    17: {"creatinine": 1.0},
    18: {"age": 40},
    20: {"age": 20, "temperature": 37},
    25: {"age": 50},
    27: {"urea_nitrogen": 10, "hemoglobin": 15, "systolic": 120, "heart_rate": 80},
    28: {
        "age": 30,
        "temperature": 37,
        "systolic": 120,
        "diastolic": 75,
        "heart_rate": 80,
        "respiratory_rate": 15,
        "inspired": 21,
        "gradient": 0,
        "oxygen": 90,
        "acidity": 7.4,
        "sodium": 140,
        "potassium": 4,
        "creatinine": 1,
        "hematocrit": 40,
        "white_cells": 8000,
        "coma": 15,
    },
    29: {
        "age": 50,
        "respiratory_rate": 15,
        "systolic": 120,
        "temperature": 37,
        "heart_rate": 80,
        "acidity": 7.4,
        "urea_nitrogen": 10,
        "sodium": 140,
        "glucose": 100,
        "hematocrit": 40,
        "oxygen": 90,
    },
    32: {"age": 40},
    36: {"age": 30, "bmi": 22},
    43: {
        "oxygen": 95,
        "inspired": 21,
        "platelets": 200000,
        "bilirubin": 1,
        "systolic": 120,
        "diastolic": 80,
        "dopamine": 0,
        "dobutamine": 0,
        "epinephrine": 0,
        "norepinephrine": 0,
        "coma": 15,
        "creatinine": 1,
        "urine": 1500,
    },
    45: {"age": 50, "urea_nitrogen": 10, "respiratory_rate": 15, "systolic": 120, "diastolic": 80},
    48: {"age": 30, "heart_rate": 80, "saturation": 98},
    51: {"temperature": 37, "heart_rate": 80, "respiratory_rate": 15, "carbon_dioxide": 40, "white_cells": 8000},
}
"""What stays as it is in the cases of a score: a healthy patient, who gets no points but for age where it counts."""


def _opioids(**columns: float) -> tuple[float, ...]:
    from slipstick.datasets.medcalc.dosage import OPIOIDS

    return tuple(columns.get(name.split()[-1], columns.get(name, 0.0)) for name in OPIOIDS)


def all_of(*names: str) -> dict[str, int]:
    """Return a patient with all these criteria."""
    return dict.fromkeys(names, 1)


CASES: list[tuple[int, dict[str, Any], Any]] = [
    # Cockcroft-Gault. Underweight: actual weight; ideal 50 + 2.3 (170 / 2.54 - 60) = 65.937; adjusted from 25 kg/m² on.
    (2, {"age": 40, "female": 0, "weight": 50, "height": 170, "creatinine": 1}, 100 * 50 / 72),
    (2, {"age": 40, "female": 0, "weight": 60, "height": 170, "creatinine": 1}, 100 * 60 / 72),
    (2, {"age": 40, "female": 0, "weight": 70, "height": 170, "creatinine": 1}, 100 * 65.93701 / 72),
    (2, {"age": 40, "female": 0, "weight": 100, "height": 170, "creatinine": 1}, 100 * 79.56220 / 72),
    (2, {"age": 40, "female": 1, "weight": 50, "height": 170, "creatinine": 2}, 0.85 * 100 * 50 / 144),
    (2, {"age": 40, "female": 0, "weight": 100, "height": 200, "creatinine": 1}, 100 * 95.86142 / 72),
    # CKD-EPI at κ, below it and above it.
    (3, {"age": 0, "female": 0, "creatinine": 0.9}, 142.0),
    (3, {"age": 0, "female": 1, "creatinine": 0.7}, 142 * 1.012),
    (3, {"age": 50, "female": 0, "creatinine": 0.45}, 142 * 0.5**-0.302 * 0.9938**50),
    (3, {"age": 50, "female": 0, "creatinine": 1.8}, 142 * 2**-1.2 * 0.9938**50),
    (3, {"age": 60, "female": 1, "creatinine": 0.35}, 142 * 0.5**-0.241 * 0.9938**60 * 1.012),
    (3, {"age": 60, "female": 1, "creatinine": 1.4}, 142 * 2**-1.2 * 0.9938**60 * 1.012),
    (4, {"age": 64}, 0),
    (4, {"age": 65, "female": 1}, 2),
    (4, {"age": 74.9, "hypertension": 1, "diabetes": 1}, 3),
    (4, {"age": 75, "stroke": 1, "ischemic_attack": 1, "thromboembolism": 1}, 4),
    (4, {"age": 80, "female": 1, "heart_failure": 1, "hypertension": 1, "stroke": 1, "vascular_disease": 1,
         "diabetes": 1}, 9),
    (5, {"systolic": 120, "diastolic": 60}, 80),
    (6, {"weight": 80, "height": 200}, 20),
    (7, {"calcium": 8, "albumin": 2}, 9.6),
    (7, {"calcium": 8, "albumin": 5}, 7.2),
    (8, {}, 0),
    (8, {"heart_rate": 100}, 0),
    (8, {"heart_rate": 101, "immobile": 1, "surgery": 1}, 3),
    (8, {"signs": 1, "likely": 1, "heart_rate": 120, "surgery": 1, "embolism": 1, "hemoptysis": 1, "malignancy": 1},
     12.5),
    (8, {"thrombosis": 1}, 1.5),
    (9, {"age": 1, "female": 0, "race": 0, "creatinine": 1}, 175),
    (9, {"age": 50, "female": 1, "race": 1, "creatinine": 2}, 175 * 2**-1.154 * 50**-0.203 * 0.742 * 1.212),
    (10, {"female": 0, "height": 152.4}, 50),
    (10, {"female": 1, "height": 177.8}, 68.5),
    (11, {"qt": 400, "heart_rate": 60}, 400),
    (11, {"qt": 400, "heart_rate": 240}, 800),
    (13, {"last_period": DAY, "cycle": 28}, date(2024, 10, 7).toordinal()),
    (13, {"last_period": DAY, "cycle": 21}, date(2024, 9, 30).toordinal()),
    (13, {"last_period": DAY, "cycle": 35}, date(2024, 10, 14).toordinal()),
    (15, {"bilirubin": 1.9, "albumin": 3.6, "inr": 1.6}, 5),
    (15, {"bilirubin": 2, "albumin": 3.5, "inr": 1.7, "ascites": 1, "encephalopathy": 1}, 10),
    (15, {"bilirubin": 3, "albumin": 2.8, "inr": 2.3, "ascites": 1, "encephalopathy": 1}, 10),
    (15, {"bilirubin": 3.1, "albumin": 2.7, "inr": 2.4, "ascites": 2, "encephalopathy": 2}, 15),
    (16, {"alternative": 1}, -2),
    (16, {"bedridden": 1, "surgery": 1}, 1),
    (16, all_of("cancer", "paralysis", "surgery", "tenderness", "leg_swollen", "calf_swelling", "edema",
                               "collateral_veins", "thrombosis"), 9),
    (17, {"creatinine": 2}, 0),
    (17, {"creatinine": 2.1, "surgery": 1, "ischemic_disease": 1, "heart_failure": 1, "cerebrovascular_disease": 1,
          "insulin": 1}, 6),
    (18, {"age": 44}, 0),
    (18, {"age": 45, "history": 1, "electrocardiogram": 1, "troponin": 1, "smoking": 1}, 5),
    (18, {"age": 65, "history": 2, "electrocardiogram": 2, "troponin": 2, "smoking": 1, "obesity": 1, "family": 1}, 10),
    (18, {"smoking": 1, "obesity": 1}, 1),
    (18, {"atherosclerosis": 1}, 2),
    (18, {"ischemic_attack": 1}, 2),
    (19, {"age": 50, "ast": 40, "alt": 25, "platelets": 200000}, 2),
    (20, {"age": 2.9}, 0),
    (20, {"age": 3}, 1),
    (20, {"age": 14.9, "temperature": 38}, 1),
    (20, {"age": 15, "temperature": 38.1}, 1),
    (20, {"age": 44}, 0),
    (20, {"age": 45}, -1),
    (20, {"age": 10, "temperature": 39, "exudate": 1, "nodes": 1, "no_cough": 1}, 5),
    (21, {"eye": 1, "verbal": 1, "motor": 1}, 3),
    (21, {"eye": 4, "verbal": 5, "motor": 6}, 15),
    (22, {"weight": 5}, 20),
    (22, {"weight": 10}, 40),
    (22, {"weight": 15}, 50),
    (22, {"weight": 20}, 60),
    (22, {"weight": 70}, 110),
    # MELD(i) = 6.43, rounded to 6: at 11 and below, sodium does not count. ln 4 = 1.386294, ln 2 = 0.693147.
    (23, {"creatinine": 0.5, "bilirubin": 0.5, "inr": 0.9, "sodium": 120}, 6),
    # 13.267 + 2.620 + 7.763 + 6.43 = 30.08, then 30 + 1.32 * 12 - 0.033 * 30 * 12 = 33.96.
    (23, {"creatinine": 5, "bilirubin": 2, "inr": 2, "sodium": 120}, 34),
    (23, {"creatinine": 1, "bilirubin": 2, "inr": 2, "sodium": 140, "dialysis": 1}, 30),
    (23, {"creatinine": 1, "bilirubin": 2, "inr": 2, "sodium": 140, "hemodialysis": 1}, 30),
    (23, {"creatinine": 4, "bilirubin": 50, "inr": 10, "sodium": 137}, 40),
    (24, {"drug": 9, "mass": 5, "target": 4}, 20),
    (24, {"drug": 2, "mass": 1.5, "target": 9}, 10),
    (25, {"age": 65, "drinks": 7}, 0),
    (25, {"age": 66, "drinks": 8}, 2),
    (25, {"age": 70, "hypertension": 1, "renal_disease": 1, "liver_disease": 1, "stroke": 1, "bleeding": 1,
          "labile_inr": 1, "drugs": 1, "drinks": 20}, 9),
    (26, {"sodium": 130, "glucose": 600}, 142),
    (27, {}, 0),
    *((27, {"urea_nitrogen": value}, points)
      for value, points in ((18.1, 0), (18.2, 2), (22.3, 2), (22.4, 3), (27.9, 3), (28, 4), (69.9, 4), (70, 6))),
    *((27, {"hemoglobin": value}, points) for value, points in ((13, 0), (12.9, 1), (12, 1), (11.9, 3), (10, 3),
                                                                (9.9, 6))),
    *((27, {"hemoglobin": value, "female": 1}, points) for value, points in ((12, 0), (11.9, 1), (10, 1), (9.9, 6))),
    *((27, {"systolic": value}, points) for value, points in ((110, 0), (109, 1), (100, 1), (99, 2), (90, 2), (89, 3))),
    (27, {"heart_rate": 100, "melena": 1, "syncope": 1, "liver": 1, "heart_failure": 1}, 8),
    (28, {}, 0),
    *((28, {"temperature": value}, points)
      for value, points in ((29.9, 4), (30, 3), (32, 2), (34, 1), (35.9, 1), (36, 0), (38.4, 0), (38.5, 1), (39, 3),
                            (40.9, 3), (41, 4))),
    *((28, {"systolic": value, "diastolic": value}, points)
      for value, points in ((49, 4), (50, 2), (69, 2), (70, 0), (109, 0), (110, 2), (130, 3), (160, 4))),
    *((28, {"heart_rate": value}, points)
      for value, points in ((39, 4), (40, 3), (55, 2), (70, 0), (109, 0), (110, 2), (140, 3), (180, 4))),
    *((28, {"respiratory_rate": value}, points)
      for value, points in ((5, 4), (6, 2), (10, 1), (12, 0), (24, 0), (25, 1), (35, 3), (50, 4))),
    *((28, {"oxygen": value}, points) for value, points in ((71, 0), (70, 1), (61, 1), (60, 3), (55, 3), (54, 4))),
    *((28, {"inspired": 50, "oxygen": 40, "gradient": value}, points)
      for value, points in ((199, 0), (200, 2), (350, 3), (499, 3), (500, 4))),
    *((28, {"acidity": value}, points)
      for value, points in ((7.14, 4), (7.15, 3), (7.25, 2), (7.32, 2), (7.33, 0), (7.5, 1), (7.6, 3), (7.7, 4))),
    *((28, {"sodium": value}, points)
      for value, points in ((110, 4), (111, 3), (120, 2), (130, 0), (149, 0), (150, 1), (155, 2), (160, 3), (180, 4))),
    *((28, {"potassium": value}, points)
      for value, points in ((2.4, 4), (2.5, 2), (3, 1), (3.5, 0), (5.4, 0), (5.5, 1), (6, 3), (7, 4))),
    *((28, {"creatinine": value}, points)
      for value, points in ((0.5, 2), (0.6, 0), (1.4, 0), (1.5, 2), (2, 3), (3.5, 4))),
    (28, {"creatinine": 3.5, "acute_failure": 1}, 8),
    *((28, {"hematocrit": value}, points)
      for value, points in ((19, 4), (20, 2), (30, 0), (45, 0), (46, 1), (50, 2), (60, 4))),
    *((28, {"white_cells": value}, points)
      for value, points in ((999, 4), (1000, 2), (3000, 0), (14999, 0), (15000, 1), (20000, 2), (40000, 4))),
    (28, {"coma": 3}, 12),
    *((28, {"age": value}, points) for value, points in ((44, 0), (45, 2), (55, 3), (65, 5), (75, 6))),
    (28, {"chronic": 1}, 5),
    (28, {"chronic": 1, "surgery": 1}, 5),
    (28, {"chronic": 1, "surgery": 2}, 2),
    (28, {"surgery": 2}, 0),
    (29, {}, 50),
    (29, {"female": 1}, 40),
    *((29, {name: 1}, 50 + points)
      for name, points in (("nursing_home", 10), ("neoplasm", 30), ("liver", 20), ("heart_failure", 10),
                           ("cerebrovascular", 10), ("kidney", 10), ("mental_status", 20), ("effusion", 10))),
    *((29, {name: inside}, 50) for name, inside in (
        ("respiratory_rate", 29), ("systolic", 90), ("temperature", 35), ("temperature", 39.9), ("heart_rate", 124),
        ("acidity", 7.35), ("urea_nitrogen", 29), ("sodium", 130), ("glucose", 249), ("hematocrit", 30),
        ("oxygen", 60))),
    *((29, {name: outside}, 50 + points) for name, outside, points in (
        ("respiratory_rate", 30, 20), ("systolic", 89, 20), ("temperature", 34.9, 15), ("temperature", 40, 15),
        ("heart_rate", 125, 10), ("acidity", 7.34, 30), ("urea_nitrogen", 30, 20), ("sodium", 129, 20),
        ("glucose", 250, 10), ("hematocrit", 29, 10), ("oxygen", 59, 10))),
    (30, {"sodium": 140, "urea_nitrogen": 14, "glucose": 90}, 290),
    (31, {"insulin": 10, "glucose": 81}, 2),
    *((32, {"age": value}, points) for value, points in ((49, 0), (50, 1), (60, 2), (70, 3), (80, 4), (95, 4))),
    (32, all_of("infarction", "heart_failure", "vessels", "stroke", "ischemic_attack", "dementia",
                               "lung", "connective_tissue", "ulcer"), 8),
    (32, {"hemiplegia": 1, "kidney": 1, "leukemia": 1, "lymphoma": 1, "aids": 1}, 14),
    (32, {"liver": 1, "diabetes": 1, "tumor": 1}, 4),
    (32, {"liver": 2, "diabetes": 2, "tumor": 2}, 11),
    (33, {}, 0),
    (33, all_of("fever", "purulence", "rapid", "inflamed", "no_cough"), 5),
    *((36, {"age": value}, points) for value, points in ((40, 0), (41, 1), (60, 1), (61, 2), (74, 2), (75, 3))),
    (36, {"bmi": 25}, 0),
    (36, {"bmi": 25.1}, 1),
    *((36, {"surgery": code}, points) for code, points in ((1, 1), (2, 2), (3, 5))),
    (36, {"mobility": 2, "embolism": 1, "thrombosis": 1}, 5),
    (36, {"mobility": 1, "stroke": 1, "fracture": 1, "trauma": 1, "spinal_injury": 1}, 21),
    (36, all_of("recent_surgery", "heart_failure", "sepsis", "pneumonia", "varicose_veins",
                               "swollen_legs", "bowel_disease", "infarction", "lung_disease"), 9),
    (36, {"plaster_cast": 1, "venous_access": 1, "malignancy": 1}, 6),
    (36, all_of("family_history", "factor_v", "prothrombin", "homocysteine", "lupus_anticoagulant",
                               "anticardiolipin", "thrombocytopenia", "thrombophilia"), 24),
    # The share of water: children and men 0.6, women 0.5, from 65 on 0.5 and 0.45; 10 % too much sodium.
    *((38, {"age": age, "female": female, "weight": 100, "sodium": 154}, 10 * share)
      for age, female, share in ((17, 1, 0.6), (18, 1, 0.5), (18, 0, 0.6), (64, 0, 0.6), (65, 0, 0.5), (65, 1, 0.45))),
    (39, {"sodium": 140, "chloride": 100, "bicarbonate": 24}, 16),
    (40, {"sodium": 140, "creatinine": 2, "urine_sodium": 70, "urine_creatinine": 100}, 1),
    (43, {}, 0),
    # The ratio is 400 / 100 and so on of what is breathed in; 3 and 4 points only with support.
    *((43, {"inspired": 50, "oxygen": ratio / 2, "ventilation": on}, points)
      for ratio, on, points in ((400, 0, 0), (399, 0, 1), (300, 0, 1), (299, 0, 2), (200, 0, 2), (199, 0, 2),
                                (199, 1, 3), (100, 1, 3), (99, 1, 4), (99, 0, 2))),
    (43, {"inspired": 50, "oxygen": 40, "airway_pressure": 1}, 4),
    *((43, {"platelets": value}, points)
      for value, points in ((150000, 0), (149999, 1), (99999, 2), (49999, 3), (20000, 3), (19999, 4))),
    *((43, {"bilirubin": value}, points) for value, points in ((1.1, 0), (1.2, 1), (2, 2), (6, 3), (12, 4))),
    (43, {"systolic": 90, "diastolic": 59}, 1),
    (43, {"systolic": 90, "diastolic": 60}, 0),
    (43, {"hypotension": 1}, 1),
    *((43, given, points) for given, points in (
        ({"dopamine": 5}, 2), ({"dobutamine": 1}, 2), ({"dopamine": 5.1}, 3), ({"dopamine": 15}, 3),
        ({"dopamine": 15.1}, 4), ({"epinephrine": 0.1}, 3), ({"epinephrine": 0.11}, 4), ({"norepinephrine": 0.1}, 3),
        ({"norepinephrine": 0.2, "dopamine": 3}, 4))),
    *((43, {"coma": value}, points) for value, points in ((14, 1), (13, 1), (12, 2), (10, 2), (9, 3), (6, 3), (5, 4))),
    *((43, {"creatinine": value}, points) for value, points in ((1.1, 0), (1.2, 1), (2, 2), (3.5, 3), (5, 4))),
    (43, {"urine": 499}, 3),
    (43, {"urine": 199, "creatinine": 2}, 4),
    (44, {"total_cholesterol": 200, "hdl": 50, "triglycerides": 150}, 120),
    (45, {}, 0),
    (45, {"age": 65, "confusion": 1, "urea_nitrogen": 20, "respiratory_rate": 30, "systolic": 89}, 5),
    (45, {"urea_nitrogen": 19, "respiratory_rate": 29, "systolic": 90, "diastolic": 61, "age": 64}, 0),
    (45, {"diastolic": 60}, 1),
    # B is -0.010772 and -0.156731; with age, pressure and cholesterol up, treated and smoking, 1.758767 and 2.987441,
    # where the age of smokers counts as 70 and 78.
    (46, {"age": 55, "female": 0, "total_cholesterol": 200, "hdl": 50, "systolic": 120}, 5.91786),
    (46, {"age": 55, "female": 1, "total_cholesterol": 200, "hdl": 50, "systolic": 120}, 1.05508),
    (46, {"age": 75, "female": 0, "total_cholesterol": 250, "hdl": 40, "systolic": 150, "treated": 1, "smoker": 1},
     30.09051),
    (46, {"age": 79, "female": 1, "total_cholesterol": 250, "hdl": 40, "systolic": 150, "treated": 1, "smoker": 1},
     21.81435),
    (48, {}, 0),
    (48, {"age": 49, "heart_rate": 99, "saturation": 95}, 0),
    (48, {"age": 50, "heart_rate": 100, "saturation": 94, "leg_swelling": 1, "hemoptysis": 1, "surgery": 1,
          "embolism": 1, "thrombosis": 1, "hormones": 1}, 8),
    (49, {"doses": _opioids(Methadone=10, Morphine=30), "times": _opioids(Methadone=2, Morphine=1)}, 124),
    (49, {"doses": _opioids(patch=25, Codeine=100), "times": _opioids(patch=1, Codeine=3)}, 105),
    (51, {}, 0),
    (51, {"temperature": 38, "heart_rate": 90, "respiratory_rate": 20, "carbon_dioxide": 32, "white_cells": 12000}, 0),
    (51, {"temperature": 36, "white_cells": 4000}, 0),
    (51, {"temperature": 35.9, "heart_rate": 91, "respiratory_rate": 21, "white_cells": 3999}, 4),
    (51, {"temperature": 38.1, "carbon_dioxide": 31, "white_cells": 12001}, 3),
    (56, {"qt": 400, "heart_rate": 60}, 400),
    (56, {"qt": 400, "heart_rate": 480}, 800),
    (57, {"qt": 400, "heart_rate": 120}, 477),
    (58, {"qt": 400, "heart_rate": 100}, 470),
    (59, {"qt": 360, "heart_rate": 60}, 360),
    (59, {"qt": 360, "heart_rate": 90}, 420),
    (60, {"weight": 72, "height": 200}, 2),
    (61, {"bmi": 25, "height": 200}, 100),
    (62, {"female": 0, "weight": 100, "height": 152.4}, 70),
    (62, {"female": 1, "weight": 45.5, "height": 152.4}, 45.5),
    (63, {"sodium": 140, "chloride": 100, "bicarbonate": 20}, 8),
    (64, {"sodium": 140, "chloride": 100, "bicarbonate": 20}, 2),
    (65, {"sodium": 140, "chloride": 100, "bicarbonate": 20, "albumin": 2}, 25),
    (66, {"sodium": 140, "chloride": 100, "bicarbonate": 20, "albumin": 2}, 13),
    (67, {"sodium": 140, "chloride": 100, "bicarbonate": 20, "albumin": 2}, 3.25),
    (68, {"last_period": DAY}, date(2024, 1, 15).toordinal()),
    (69, {"last_period": DAY, "today": DAY}, (0, 0)),
    (69, {"last_period": DAY, "today": DAY + 6}, (0, 6)),
    (69, {"last_period": DAY, "today": date(2024, 3, 1).toordinal()}, (8, 4)),
]  # fmt: skip


def patient(number: int, given: dict[str, Any]) -> list[Any]:
    """Return the values of a case in the order of the calculator's fields; what is not given is the base's or 0."""
    from slipstick.datasets.medcalc.registry import calculator

    values = {**BASE.get(number, {}), **given}
    fields = calculator(number).fields
    unknown = set(values) - {field.argument for field in fields}
    assert not unknown, (number, unknown)
    return [values.get(field.argument, 0) for field in fields]
